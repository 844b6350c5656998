/** A name stands for one place, in every command; and a place is what its path leads to. */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Environment } from '../e2e/child.ts'
import { type Report, reportOf } from '../e2e/program.ts'
import { issue } from '../fixtures/certificates.ts'
import { acmeIssue, all, certbotIssue } from '../fixtures/producers.ts'
import { KEYS, openStage, typeAt } from './commandFixture.ts'

const DOMAIN = 'example.org'
const ID = `acme.sh:${DOMAIN}_ecc`

async function openHomes() {
  const { folder, emulator } = await openStage()
  const env = {
    ...KEYS,
    CERTFERRY_ENDPOINT: emulator.url,
    CERTFERRY_STATE_DIR: join(folder, 'state'),
  }
  const type = async (words: readonly string[], more: Environment = {}) => {
    const ended = await typeAt(folder, [...words, '--json'], { ...env, ...more })
    return { ...ended, report: reportOf(ended) }
  }
  const issueIn = async (home: string) =>
    all(acmeIssue(join(folder, home), DOMAIN, await issue({ names: [DOMAIN] }), { ecc: true }))
  /** As acme.sh of that home calls it. */
  const hook = (home: string, ...words: readonly string[]) => {
    const place = join(folder, home, `${DOMAIN}_ecc`)
    return type(['hook', ...words], {
      CERT_FULLCHAIN_PATH: join(place, 'fullchain.cer'),
      CERT_KEY_PATH: join(place, `${DOMAIN}.key`),
    })
  }
  const config = async (text: string) => {
    await writeFile(join(folder, 'config.toml'), text)
    return ['-c', join(folder, 'config.toml')]
  }
  return { folder, emulator, type, issueIn, hook, config }
}

const outcomes = ({ results }: Report) =>
  results.map(({ lineage, outcome, fault }) => [lineage, fault?.code ?? outcome])

describe('two homes of one client never take turns in one record', () => {
  test('the hook of the second is refused because the name is taken, and the first stays as it was', async () => {
    const { emulator, hook, issueIn, type, folder } = await openHomes()
    for (const home of ['one', 'two']) await issueIn(home)
    expect(outcomes((await hook('one')).report)).toEqual([[ID, 'uploaded']])
    const second = await hook('two')
    expect([second.code, outcomes(second.report)]).toEqual([78, [[ID, 'NAME_CONFLICT']]])
    expect(second.stdout).toContain(`is already the name of ${folder}/one/`)
    expect(outcomes((await hook('one')).report)).toEqual([[ID, 'unchanged']])
    for (const command of ['sync', 'sync --dry-run'])
      expect(
        outcomes((await type([...command.split(' '), '--source', `acme.sh=${folder}/two`])).report),
      ).toEqual([[ID, 'NAME_CONFLICT']])
    expect(emulator.certificates()).toHaveLength(1)
  })

  test('status and check of the second do not show what was uploaded for the first as its own', async () => {
    const { hook, issueIn, folder } = await openHomes()
    for (const home of ['one', 'two']) await issueIn(home)
    await hook('one')
    const env = { ...KEYS, CERTFERRY_STATE_DIR: join(folder, 'state') }
    const words = ['--source', `acme.sh=${folder}/two`, '--endpoint', 'http://127.0.0.1:1']
    for (const command of ['status', 'check'])
      expect((await typeAt(folder, [command, ...words], env)).stdout.replace(/\s+/g, ' ')).toContain(
        `is already the name of ${folder}/one/`,
      )
  })

  test('a hook gives way to the home that sync would read, before anything is recorded', async () => {
    const { hook, issueIn, config, type, emulator, folder } = await openHomes()
    for (const home of ['.acme.sh', 'two']) await issueIn(home)
    expect(outcomes((await hook('two')).report)).toEqual([[ID, 'NAME_CONFLICT']])
    const words = await config(
      `[[source]]\nkind = "acme.sh"\npath = "two"\n[[source]]\nkind = "acme.sh"\npath = "${folder}/.acme.sh"\n`,
    )
    expect(outcomes((await hook('two', ...words)).report)).toEqual([[ID, 'uploaded']])
    expect(outcomes((await hook('.acme.sh', ...words)).report)).toEqual([[ID, 'NAME_CONFLICT']])
    expect(outcomes((await type(['sync', ...words])).report)).toEqual(
      expect.arrayContaining([
        [ID, 'unchanged'],
        [ID, 'NAME_CONFLICT'],
      ]),
    )
    expect(emulator.certificates()).toHaveLength(1)
  })

  test('named as a source of kind pem the second is uploaded by hook and sync, under that name', async () => {
    const { hook, issueIn, config, type } = await openHomes()
    for (const home of ['.acme.sh', 'two']) await issueIn(home)
    const files = `chain = "two/${DOMAIN}_ecc/fullchain.cer"\nkey = "two/${DOMAIN}_ecc/${DOMAIN}.key"\n`
    const words = await config(
      `[[source]]\nkind = "acme.sh"\npath = ".acme.sh"\n[[source]]\nkind = "pem"\nname = "second"\n${files}`,
    )
    expect(outcomes((await hook('.acme.sh', ...words)).report)).toEqual([[ID, 'uploaded']])
    expect(outcomes((await hook('two', ...words)).report)).toEqual([['pem:second', 'uploaded']])
    expect(outcomes((await type(['sync', ...words])).report)).toEqual([
      [ID, 'unchanged'],
      ['pem:second', 'unchanged'],
    ])
  })

  test('a home that was moved keeps its record; one that was copied takes the name only by --force', async () => {
    const { hook, issueIn, type, folder } = await openHomes()
    await issueIn('one')
    await hook('one')
    await rename(join(folder, 'one'), join(folder, 'two'))
    expect(outcomes((await hook('two')).report)).toEqual([[ID, 'unchanged']])
    await issueIn('three')
    const words = ['sync', '--force', '--only', ID, '--source', `acme.sh=${folder}/three`]
    expect(outcomes((await type(words)).report)).toEqual([[ID, 'uploaded']])
    expect(outcomes((await hook('three')).report)).toEqual([[ID, 'unchanged']])
    expect(outcomes((await hook('two')).report)).toEqual([[ID, 'NAME_CONFLICT']])
  })

  test('files that are named one by one: --name of one place is not taken for another', async () => {
    const { type, config, folder } = await openHomes()
    for (const name of ['a', 'b']) {
      const { chain, key } = await issue()
      await writeFile(join(folder, `${name}.pem`), chain)
      await writeFile(join(folder, `${name}.key`), key)
    }
    const hook = (name: string, words: readonly string[] = []) =>
      type([
        'hook',
        '--chain',
        join(folder, `${name}.pem`),
        '--key',
        join(folder, `${name}.key`),
        '--name',
        'www',
        ...words,
      ])
    expect(outcomes((await hook('a')).report)).toEqual([['pem:www', 'uploaded']])
    expect(outcomes((await hook('b')).report)).toEqual([['pem:www', 'NAME_CONFLICT']])
    const words = await config('[[source]]\nkind = "pem"\nname = "www"\nchain = "a.pem"\nkey = "a.key"\n')
    await rm(join(folder, 'state'), { recursive: true })
    expect(outcomes((await hook('b', words)).report)).toEqual([['pem:www', 'NAME_CONFLICT']])
    expect(outcomes((await hook('a', words)).report)).toEqual([['pem:www', 'uploaded']])
  })
})

describe('a place is what its path leads to', () => {
  test.each(['the client is called by a link', 'the configuration names a link'])(
    "%s: the source's settings are in force, and sync finds nothing to do",
    async which => {
      const { folder, type, config, emulator } = await openHomes()
      await mkdir(join(folder, 'data'))
      await symlink(join(folder, 'data/le'), join(folder, 'letsencrypt'))
      await all(certbotIssue(join(folder, 'data/le'), DOMAIN, await issue({ names: [DOMAIN] })))
      const paths = ['data/le', 'letsencrypt']
      const [named, called] = which.startsWith('the client') ? paths : paths.toReversed()
      const words = await config(`[[source]]\nkind = "certbot"\npath = "${named}/"\nproject_id = 42\n`)
      const run = await type(['hook', ...words], {
        RENEWED_LINEAGE: join(folder, `${called}/live/${DOMAIN}`),
      })
      expect(outcomes(run.report)).toEqual([[`certbot:${DOMAIN}`, 'uploaded']])
      expect(emulator.certificates().map(({ projectId }) => projectId)).toEqual([42])
      expect(outcomes((await type(['sync', ...words])).report)).toEqual([[`certbot:${DOMAIN}`, 'unchanged']])
      const both = paths.flatMap(path => ['--source', `certbot=${folder}/${path}`])
      expect(outcomes((await type(['sync', ...both])).report)).toEqual([[`certbot:${DOMAIN}`, 'unchanged']])
    },
  )

  test('a file named one by one is known behind a link, be it the folder or the file itself', async () => {
    const { folder, type, config, emulator } = await openHomes()
    const { chain, key } = await issue()
    await mkdir(join(folder, 'real'))
    await writeFile(join(folder, 'real/a.pem'), chain)
    await writeFile(join(folder, 'real/a.key'), key)
    await symlink('real', join(folder, 'linked'))
    await symlink('real/a.pem', join(folder, 'chain.pem'))
    const words = await config(
      '[[source]]\nkind = "pem"\nname = "www"\nchain = "real/a.pem"\nkey = "real/a.key"\nproject_id = 42\n',
    )
    const hook = (chain: string) =>
      type([
        'hook',
        ...words,
        '--chain',
        join(folder, chain),
        '--key',
        join(folder, 'real/a.key'),
        '--name',
        'www',
      ])
    expect(outcomes((await hook('linked/a.pem')).report)).toEqual([['pem:www', 'uploaded']])
    expect(outcomes((await hook('chain.pem')).report)).toEqual([['pem:www', 'unchanged']])
    expect(emulator.certificates().map(({ projectId }) => projectId)).toEqual([42])
  })
})
