/** Clients' folders in the states that the clients themselves leave them in, as the built program sees them. */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../e2e/program.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { storeText } from '../fixtures/traefikStore.ts'

interface Result {
  readonly lineage: string
  readonly outcome: string
  readonly names?: readonly string[]
  readonly notAfter?: string
  readonly fault?: { readonly code: string; readonly message: string; readonly advice: string }
}

/** What sync would do with a source; nothing is sent. */
async function wouldDo(source: string, ...words: readonly string[]) {
  const state = await temporaryDirectory()
  const places = ['--source', source, '--state-dir', state, '--log-level', 'silent']
  const made = await program(['sync', '--dry-run', '--json', ...places, ...words])
  const { results } = JSON.parse(made.stdout) as { readonly results: readonly Result[] }
  return { exit: made.code, results }
}

const summaries = (results: readonly Result[]) =>
  results.map(({ lineage, outcome }) => `${lineage} ${outcome}`)

/** Files of a folder by their paths. */
async function folderOf(files: Readonly<Record<string, string>>) {
  const root = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

const HOUR = 3_600_000
const lasting = (hours: number): Promise<Pair> =>
  issue({
    names: ['a.example'],
    notBefore: new Date(Date.now() - HOUR * (1_000 - hours)),
    notAfter: new Date(Date.now() + HOUR * hours),
  })

describe('Traefik', () => {
  test('of two entries of one name the latest valid one is uploaded', async () => {
    const [first, second] = await Promise.all([lasting(100), lasting(900)])
    const domains = ['a.example'] as const
    for (const pairs of [
      [first, second],
      [second, first],
    ]) {
      const text = storeText({ le: pairs.map(pair => ({ domains, pair })) })
      const root = await folderOf({ 'acme.json': text })
      const { exit, results } = await wouldDo(`traefik=${root}/acme.json`)
      expect(exit).toBe(0)
      expect(results).toMatchObject([
        {
          lineage: 'traefik:a.example@le',
          outcome: 'planned',
          notAfter: second.notAfter.toISOString(),
        },
      ])
    }
  })

  test('a folder, a file of Traefik 1 and a bad entry are called what they are, with advice on Traefik', async () => {
    const good = await lasting(900)
    const store = JSON.parse(storeText({ le: [{ domains: ['a.example'], pair: good }] }))
    store.le.Certificates.push({ domain: { main: 'b.example' }, certificate: '!', key: '!' })
    const root = await folderOf({
      'acme.json/x': '',
      'one.json': '{"Account": {}, "Certificates": [], "HTTPChallenges": {}}',
      'bad.json': JSON.stringify(store),
    })
    const folder = await wouldDo(`traefik=${root}/acme.json`)
    const one = await wouldDo(`traefik=${root}/one.json`)
    const bad = await wouldDo(`traefik=${root}/bad.json`)
    expect([folder.exit, one.exit, bad.exit]).toEqual([66, 66, 65])
    expect(summaries(bad.results)).toEqual(['traefik:a.example@le planned', 'traefik:b.example@le failed'])
    const faults = [folder, one, bad].flatMap(({ results }) => results.flatMap(({ fault }) => fault ?? []))
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('is a folder'),
      expect.stringContaining('Traefik 1'),
      expect.stringContaining('the entry b.example@le has a certificate that is not PEM in base64'),
    ])
    for (const { advice } of faults) expect(advice).toMatch(/Traefik|acme\.storage/)
  })
})

const [EVER, OVER] = await Promise.all([lasting(900), lasting(-1)])
const [chain, key] = [EVER.chain, EVER.key]

describe('certbot', () => {
  const live = { 'live/a.example/fullchain.pem': chain, 'live/a.example/privkey.pem': key }

  test("a lineage whose renewal/NAME.conf is not there is no longer certbot's", async () => {
    const kept = await folderOf({ ...live, 'renewal/a.example.conf': '' })
    expect(summaries((await wouldDo(`certbot=${kept}`)).results)).toEqual(['certbot:a.example planned'])
    const gone = await folderOf({ ...live, 'renewal/b.example.conf': '' })
    expect(await wouldDo(`certbot=${gone}`)).toEqual({ exit: 0, results: [] })
    await rm(join(gone, 'renewal', 'b.example.conf'))
    expect(await wouldDo(`certbot=${gone}`)).toEqual({ exit: 0, results: [] })
  })

  test('where the folder renewal was not copied or mounted, all are uploaded', async () => {
    const root = await folderOf(live)
    expect(summaries((await wouldDo(`certbot=${root}`)).results)).toEqual(['certbot:a.example planned'])
  })
})

describe('acme.sh', () => {
  const home = (more: Readonly<Record<string, string>>) =>
    folderOf({
      'a.example_ecc/fullchain.cer': chain,
      'a.example_ecc/a.example.key': key,
      'a.example_ecc/a.example.csr': '',
      ...more,
    })

  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ['--remove', { 'a.example.conf.removed': '', 'a.example.cer': chain }],
    ['--revoke', { 'a.example.conf': '', 'a.example.key.revoked': key, 'a.example.csr.revoked': '' }],
  ])('what %s leaves behind is ignored, and the log says so', async (verb, files) => {
    const root = await home(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`a.example_ecc/${name}`, text])),
    )
    expect(await wouldDo(`acme.sh=${root}`)).toEqual({ exit: 0, results: [] })
    const words = ['--source', `acme.sh=${root}`, '--state-dir', await temporaryDirectory()]
    const { stdout } = await program(['sync', '--dry-run', ...words])
    expect(stdout).toMatch(
      new RegExp(`acme\\.sh:a\\.example_ecc is ignored: it was \\w+ with acme\\.sh ${verb}`),
    )
    const only = await program(['sync', '--dry-run', '--only', 'a.example_ecc', ...words])
    expect([only.code, only.stderr + only.stdout]).toEqual([66, expect.stringContaining(`acme.sh ${verb}`)])
  })

  test('one that was removed, or revoked, and issued again is uploaded', async () => {
    const root = await home({
      'a.example_ecc/a.example.cer': chain,
      'a.example_ecc/a.example.conf': '',
      'a.example_ecc/a.example.conf.removed': '',
      'a.example_ecc/a.example.key.revoked': key,
    })
    expect(summaries((await wouldDo(`acme.sh=${root}`)).results)).toEqual(['acme.sh:a.example_ecc planned'])
  })

  test('a certificate for a request (--sign-csr) has no key to send: exit 65, and skip leaves it out', async () => {
    const root = await home({ 'a.example_ecc/a.example.conf': '' })
    await rm(join(root, 'a.example_ecc', 'a.example.key'))
    const { exit, results } = await wouldDo(`acme.sh=${root}`)
    expect(exit).toBe(65)
    expect(results).toMatchObject([
      { fault: { code: 'KEY_ELSEWHERE', message: expect.stringContaining('CSR') } },
    ])
    expect(results[0]?.fault?.advice).toContain('exclude = true')
    const config = await folderOf({
      'c.toml': '[[certificate]]\nmatch = "acme.sh:a.example_ecc"\nexclude = true\n',
    })
    expect(await wouldDo(`acme.sh=${root}`, '--config', join(config, 'c.toml'))).toEqual({
      exit: 0,
      results: [],
    })
  })

  test('a key that is still to be written is awaited', async () => {
    const root = await home({ 'a.example_ecc/a.example.conf': '' })
    await rm(join(root, 'a.example_ecc', 'a.example.key'))
    await rm(join(root, 'a.example_ecc', 'a.example.csr'))
    const { exit, results } = await wouldDo(`acme.sh=${root}`)
    expect([exit, results[0]?.fault?.code]).toEqual([75, 'PAIR_INCOMPLETE'])
  })
})

describe('lego', () => {
  test('a certificate for a request (--csr) has no key to send: exit 65', async () => {
    const root = await folderOf({ 'certificates/a.example.crt': chain, 'certificates/a.example.json': '{}' })
    const { exit, results } = await wouldDo(`lego=${root}`)
    expect([exit, results[0]?.fault?.code]).toEqual([65, 'KEY_ELSEWHERE'])
  })

  test('what lego revoke moves to the archives is gone', async () => {
    const root = await folderOf({
      'archives/1700000000.a.example.crt': chain,
      'archives/1700000000.a.example.key': key,
      'certificates/a.example.key': key,
    })
    expect(await wouldDo(`lego=${root}`)).toEqual({ exit: 0, results: [] })
  })
})

describe('dehydrated', () => {
  const certs = async (files: Readonly<Record<string, string>>) => {
    const root = await folderOf({
      'certs/a.example/fullchain-1700000000.pem': chain,
      'certs/a.example/privkey-1700000000.pem': key,
      ...files,
    })
    for (const name of ['fullchain', 'privkey', 'cert'])
      await symlink(`${name}-1700000000.pem`, join(root, 'certs', 'a.example', `${name}.pem`))
    return `dehydrated=${root}/certs`
  }

  test('what --revoke renames, and --cleanup moves to the archive, is gone', async () => {
    const renamed = await certs({ 'certs/a.example/cert-1700000000.pem-revoked': chain })
    const moved = await certs({ 'archive/a.example/cert-1700000000.pem-revoked': chain })
    for (const source of [renamed, moved]) expect(await wouldDo(source)).toEqual({ exit: 0, results: [] })
  })

  test('one that was revoked before and obtained anew is uploaded', async () => {
    const source = await certs({
      'certs/a.example/cert-1700000000.pem': chain,
      'certs/a.example/cert-1600000000.pem-revoked': chain,
      'archive/a.example/cert-1500000000.pem-revoked': chain,
    })
    expect(summaries((await wouldDo(source)).results)).toEqual(['dehydrated:a.example planned'])
  })
})

describe('Caddy', () => {
  test("certificates of its own authorities are left alone, whatever the authority's id", async () => {
    const root = await folderOf(
      Object.fromEntries([
        ...['corp', 'local', 'acme.example-directory'].flatMap(issuer => [
          [`certificates/${issuer}/a.example/a.example.crt`, chain],
          [`certificates/${issuer}/a.example/a.example.key`, key],
        ]),
        ...['corp', 'local', 'unused'].map(id => [`pki/authorities/${id}/root.crt`, chain]),
      ]),
    )
    const { exit, results } = await wouldDo(`caddy=${root}`)
    expect([exit, summaries(results)]).toEqual([0, ['caddy:a.example@acme.example-directory planned']])
  })

  test('what has expired of one issuer is left alone while the one of another is valid, and only then', async () => {
    const of = (issuer: string, pair: Pair) => ({
      [`certificates/${issuer}/a.example/a.example.crt`]: pair.chain,
      [`certificates/${issuer}/a.example/a.example.key`]: pair.key,
    })
    const both = await folderOf({ ...of('one.example', OVER), ...of('two.example', EVER) })
    const { exit, results } = await wouldDo(`caddy=${both}`)
    expect([exit, summaries(results)]).toEqual([0, ['caddy:a.example@two.example planned']])
    const neither = await folderOf({ ...of('one.example', OVER), ...of('two.example', OVER) })
    const expired = await wouldDo(`caddy=${neither}`)
    expect([expired.exit, expired.results.length]).toEqual([65, 2])
  })
})

describe("Traefik's earlier entries", () => {
  test('what has expired is left alone while another entry of the same domains is valid', async () => {
    const text = storeText({
      le: [
        { domains: ['a.example', 'b.example'], pair: OVER },
        { domains: ['b.example', 'a.example'], pair: EVER },
        { domains: ['c.example'], pair: OVER },
      ],
      old: [{ domains: ['a.example', 'b.example'], pair: OVER }],
    })
    const root = await folderOf({ 'acme.json': text })
    const { exit, results } = await wouldDo(`traefik=${root}/acme.json`)
    expect([exit, summaries(results)]).toEqual([
      65,
      ['traefik:b.example+a.example@le planned', 'traefik:c.example@le refused'],
    ])
  })
})
