import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { issue } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { acmeIssue, all } from '../fixtures/producers.ts'
import { receiptsIn } from '../fixtures/state.ts'
import { KEYS, openStage, type Stage } from './commandFixture.ts'

/** As an ACME client calls it: no configuration, no source, only its environment. */
async function hook(
  { folder, emulator }: Stage,
  env: Readonly<Record<string, string>>,
  words: readonly string[] = [],
) {
  const recorded = recordedContext({ cwd: '/', env: { ...KEYS, CERTFERRY_ENDPOINT: emulator.url, ...env } })
  const exit = await cli(['hook', '--json', '--state-dir', join(folder, 'state'), ...words], recorded.context)
  return { ...recorded, exit }
}

async function acmeHome(stage: Stage, domain: string) {
  const home = join(stage.folder, 'acme.sh')
  await all(acmeIssue(home, domain, await issue({ names: [domain] }), { ecc: true }))
  const folder = join(home, `${domain}_ecc`)
  return {
    home,
    env: { CERT_FULLCHAIN_PATH: join(folder, 'fullchain.cer'), CERT_KEY_PATH: join(folder, `${domain}.key`) },
  }
}

describe('hook finds the certificate', () => {
  test('hook takes the certificate of RENEWED_LINEAGE (certbot) under the name that sync gives it', async () => {
    const stage = await openStage()
    await stage.certbot('example.com')
    const run = await hook(stage, { RENEWED_LINEAGE: join(stage.folder, 'letsencrypt/live/example.com') })
    expect(run.json()).toMatchObject({
      results: [{ lineage: 'certbot:example.com', outcome: 'uploaded' }],
      exit: 0,
    })
    expect((await stage.type(['sync', '--json'])).json().results[0]).toMatchObject({ outcome: 'unchanged' })
  })

  test('hook takes the certificate of CERT_FULLCHAIN_PATH and CERT_KEY_PATH (acme.sh), wildcards included', async () => {
    const stage = await openStage()
    const { env, home } = await acmeHome(stage, '*.example.org')
    const run = await hook(stage, env)
    expect(run.json()).toMatchObject({
      results: [{ lineage: 'acme.sh:*.example.org_ecc', outcome: 'uploaded' }],
    })
    const sync = await stage.type(['sync', '--json', '--source', `acme.sh=${home}`])
    expect(sync.json().results.map(({ lineage, outcome }) => [lineage, outcome])).toContainEqual([
      'acme.sh:*.example.org_ecc',
      'unchanged',
    ])
  })

  test('hook takes the files of its options when no client calls it', async () => {
    const stage = await openStage()
    const { chain, key } = await issue()
    await writeFile(join(stage.folder, 'chain.pem'), chain)
    await writeFile(join(stage.folder, 'key.pem'), key)
    const paths = ['--chain', join(stage.folder, 'chain.pem'), '--key', join(stage.folder, 'key.pem')]
    const run = await hook(stage, {}, [...paths, '--name', 'intranet'])
    expect(run.json()).toMatchObject({ results: [{ lineage: 'pem:intranet', outcome: 'uploaded' }] })
  })

  test('hook prefers the variables of certbot to those of acme.sh, and both to its options', async () => {
    const stage = await openStage()
    await stage.certbot('example.com')
    const { env } = await acmeHome(stage, 'example.org')
    const live = { RENEWED_LINEAGE: join(stage.folder, 'letsencrypt/live/example.com') }
    expect((await hook(stage, { ...env, ...live }, ['--name', 'x'])).json().results[0]?.lineage).toBe(
      'certbot:example.com',
    )
    expect((await hook(stage, env, ['--name', 'x'])).json().results[0]?.lineage).toBe(
      'acme.sh:example.org_ecc',
    )
  })

  test('hook without a certificate exits 64', async () => {
    const run = await hook(await openStage(), {})
    expect(run.exit).toBe(64)
    expect(run.json().fault).toMatchObject({ code: 'USAGE' })
  })
})

describe('hook behaves as its callers need', () => {
  test('hook writes nothing to standard error, whatever happens', async () => {
    const stage = await openStage()
    await stage.certbot('example.com')
    const RENEWED_LINEAGE = join(stage.folder, 'letsencrypt/live/example.com')
    const situations: ReadonlyArray<readonly [Readonly<Record<string, string>>, readonly string[]]> = [
      [{ RENEWED_LINEAGE }, []],
      [{ RENEWED_LINEAGE, TENCENTCLOUD_SECRET_KEY: 'wrong' }, ['--log-level', 'debug']],
      [{ RENEWED_LINEAGE: '/nowhere/live/example.com' }, []],
      [{ RENEWED_LINEAGE }, ['-c', '/nowhere.toml']],
      [{ RENEWED_LINEAGE }, ['--no-such-option']],
      [{}, []],
    ]
    for (const [env, words] of situations) {
      const recorded = recordedContext({
        cwd: '/',
        env: { ...KEYS, CERTFERRY_ENDPOINT: stage.emulator.url, ...env },
      })
      await cli(['hook', '--state-dir', join(stage.folder, 'state'), ...words], recorded.context)
      expect(recorded.err()).toBe('')
      expect(recorded.out()).not.toBe('')
    }
  })

  test('hook for an unchanged certificate sends nothing and logs one line', async () => {
    const stage = await openStage()
    await stage.certbot('example.com')
    const env = { RENEWED_LINEAGE: join(stage.folder, 'letsencrypt/live/example.com') }
    await hook(stage, env)
    const recorded = recordedContext({
      cwd: '/',
      terminal: true,
      env: { ...KEYS, CERTFERRY_ENDPOINT: stage.emulator.url, ...env },
    })
    expect(await cli(['hook', '--state-dir', join(stage.folder, 'state')], recorded.context)).toBe(0)
    expect(recorded.out()).toMatch(/^\S+ info {2}certbot:example\.com unchanged, [A-Za-z0-9]{8}/)
    expect(stage.emulator.entries).toHaveLength(1)
  })

  test('hook ends at its deadline if the service does not answer, exit 75', async () => {
    const stage = await openStage({ faults: () => ({ stall: 60_000 }) })
    await stage.certbot('example.com')
    const started = Date.now()
    const run = await hook(stage, { RENEWED_LINEAGE: join(stage.folder, 'letsencrypt/live/example.com') }, [
      '--deadline',
      '1',
    ])
    // the service would take a minute
    expect(Date.now() - started).toBeLessThan(50_000)
    expect(run.json()).toMatchObject({
      results: [{ outcome: 'failed', fault: { code: 'DEADLINE' } }],
      exit: 75,
    })
    expect(await receiptsIn(join(stage.folder, 'state'))).toEqual([])
  })
})
