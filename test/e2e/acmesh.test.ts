/** The built program as acme.sh's reload command, against a real ACME server; needs an acme.sh on the machine. */
import { join } from 'node:path'
import { env, stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type AcmeSh, acmeShIn, findAcmeSh } from './acmesh.ts'
import { type Account, openAccount } from './emulatorAccount.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { commandLine, program, reportOf } from './program.ts'

const DOMAIN = 'app.test.example'
const script = findAcmeSh(env)

// Said aloud, for a skipped test is easily taken for a passed one.
if (!script) stderr.write('acme.sh: its tests are skipped, none is on the PATH and ACME_SH names none\n')

describe.skipIf(!script)('acme.sh', () => {
  let pebble: Pebble
  let acmeSh: AcmeSh
  let account: Account

  beforeAll(async () => {
    const directory = await temporaryDirectory()
    pebble = await startPebble()
    acmeSh = acmeShIn(directory, script ?? '', pebble)
    account = await openAccount(join(directory, 'state'))
  })

  afterAll(async () => {
    await account?.emulator.close()
    await pebble?.close()
  })

  const ids = () => account.emulator.certificates().map(({ id }) => id)

  // acme.sh writes this into its conf; the deadline is for the last test, where nobody answers
  const reload = commandLine('hook', '--deadline', '5')

  test('a first issuance is uploaded by the reload command', async () => {
    const issued = await acmeSh.issue(DOMAIN, { reload, env: account.environment })
    expect(issued.code, issued.stdout + issued.stderr).toBe(0)
    expect(issued.stdout).toContain('Reload successful')
    expect(ids()).toHaveLength(1)
  })

  test('a forced renewal that keeps its key is uploaded by the reload command acme.sh remembered', async () => {
    const key = await acmeSh.read(DOMAIN, `${DOMAIN}.key`)
    const renewed = await acmeSh.renew(DOMAIN, { env: account.environment })
    expect(renewed.code, renewed.stdout + renewed.stderr).toBe(0)
    expect(await acmeSh.read(DOMAIN, `${DOMAIN}.key`)).toBe(key)
    expect(ids()).toHaveLength(2)
  })

  test('sync knows the lineage by the name the hook gave it, and uploads nothing', async () => {
    const words = ['sync', '--json', '--source', `acme.sh=${acmeSh.home}`, ...account.options]
    const { results, exit } = reportOf(await program(words, account.credentials))
    expect(exit).toBe(0)
    expect(results).toMatchObject([
      { lineage: `acme.sh:${DOMAIN}_ecc`, outcome: 'unchanged', certificateId: ids()[1], names: [DOMAIN] },
    ])
    expect(ids()).toHaveLength(2)
  })

  test('a reload command that fails makes acme.sh fail, and the next sync repairs it', async () => {
    const away = { ...account.environment, CERTFERRY_ENDPOINT: 'http://127.0.0.1:1' }
    const renewed = await acmeSh.renew(DOMAIN, { env: away })
    expect(renewed.code).toBe(1)
    expect(renewed.stdout + renewed.stderr).toContain('Reload error for')
    const words = ['sync', '--json', '--source', `acme.sh=${acmeSh.home}`, ...account.options]
    const { results } = reportOf(await program(words, account.credentials))
    expect(results).toMatchObject([{ outcome: 'uploaded', because: 'changed', supersedes: ids()[1] }])
  })
})
