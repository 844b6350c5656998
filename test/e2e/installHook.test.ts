/** Hooks that install-hook wrote, run by a real certbot and a real acme.sh for what a real ACME server renewed. */
import { join } from 'node:path'
import { env, stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { acmeShIn, findAcmeSh } from './acmesh.ts'
import { type Certbot, certbotIn } from './certbot.ts'
import { run, SYSTEM_PATH } from './child.ts'
import { type Account, openAccount } from './emulatorAccount.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { program } from './program.ts'

const DOMAIN = 'app.test.example'
const script = findAcmeSh(env)

// printed: a skipped test is easily taken for a passed one
if (!script)
  stderr.write('acme.sh: its deploy hook is not tried, none is on the PATH and ACME_SH names none\n')

let directory: string
let pebble: Pebble
let account: Account

beforeAll(async () => {
  directory = await temporaryDirectory()
  pebble = await startPebble()
  account = await openAccount(join(directory, "state of 'all'"))
})

afterAll(async () => {
  await account?.emulator.close()
  await pebble?.close()
})

const ids = () => account.emulator.certificates().map(({ id }) => id)
const requests = () => account.emulator.entries.length

describe('certbot', () => {
  let certbot: Certbot
  const hookFile = () => join(certbot.config, 'renewal-hooks/deploy/zz-certferry')

  beforeAll(async () => {
    certbot = certbotIn(directory, pebble)
    expect(await certbot.issue('app', [DOMAIN])).toMatchObject({ code: 0 })
    const before = ids().length
    const words = ['install-hook', 'certbot', '--source', `certbot=${certbot.config}`, ...account.options]
    expect(await program(words)).toMatchObject({ code: 0, stderr: '' })
    expect(ids()).toHaveLength(before)
  })

  /** Only the credentials: where to send and where to record stands in the hook. */
  const renew = () => certbot.renew('app', { env: account.credentials })

  test('a renewal without any option for a hook is uploaded, and certbot reports no error', async () => {
    const before = ids().length
    const { code, stdout, stderr } = await renew()
    expect(code, stdout + stderr).toBe(0)
    expect(ids()).toHaveLength(before + 1)
    expect(stdout).toContain("Hook 'deploy-hook' ran with output:")
    expect(stdout).toContain(ids().at(-1))
    expect(stdout + stderr).not.toMatch(/error output|reported error code/)
  })

  test('another renewal replaces the certificate by its ID', async () => {
    const last = ids().at(-1)
    const { stdout } = await renew()
    expect(stdout).toContain(`replaces ${last}`)
    expect(ids().at(-1)).not.toBe(last)
  })

  test("certbot's dry run uploads nothing, whether it calls the hook or not", async () => {
    const before = requests()
    const places = ['--work-dir', join(directory, 'work'), '--logs-dir', join(directory, 'logs')]
    const help = await run('certbot', ['--help', 'all'], { PATH: SYSTEM_PATH })
    const deploying = help.stdout.includes('--run-deploy-hooks') ? ['--run-deploy-hooks'] : []
    const words = ['renew', '--dry-run', '--no-random-sleep-on-renew', '--server', pebble.url]
    const clean = { PATH: SYSTEM_PATH, HOME: directory, REQUESTS_CA_BUNDLE: pebble.trust }
    const ended = await run('certbot', [...words, ...deploying, '--config-dir', certbot.config, ...places], {
      ...clean,
      ...account.credentials,
    })
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)

    const environment = { RENEWED_LINEAGE: certbot.live('app'), RENEWED_DOMAINS: DOMAIN }
    const called = await run(hookFile(), [], { ...account.credentials, ...environment })
    expect(called).toMatchObject({ code: 0, stderr: '' })
    expect(called.stdout).toContain(`unchanged, ${ids().at(-1)}`)
    expect(requests()).toBe(before)
  })

  test('with the hook removed, a renewal uploads nothing', async () => {
    const before = requests()
    const words = ['install-hook', 'certbot', '--remove', '--source', `certbot=${certbot.config}`]
    expect(await program(words)).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout } = await renew()
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('deploy-hook')])
    expect(requests()).toBe(before)
  })
})

describe.skipIf(!script)('acme.sh', () => {
  const acmeSh = () => acmeShIn(directory, script ?? '', pebble)
  const deploy = () => {
    const words = ['--home', acmeSh().home, '--deploy', '-d', DOMAIN, '--ecc', '--deploy-hook', 'certferry']
    const clean = { PATH: SYSTEM_PATH, HOME: directory, LANG: 'C.UTF-8' }
    return run(script ?? '', words, { ...clean, ...account.credentials })
  }

  test('the command that install-hook printed uploads the certificate, under the name sync gives it', async () => {
    expect(await acmeSh().issue(DOMAIN)).toMatchObject({ code: 0 })
    const places = ['--source', `acme.sh=${acmeSh().home}`, ...account.options]
    const installed = await program(['install-hook', 'acme.sh', '--home', acmeSh().home, ...places])
    expect(installed).toMatchObject({ code: 0, stderr: '' })
    expect(installed.stdout).toContain(`--deploy -d ${DOMAIN} --ecc --deploy-hook certferry`)

    const before = ids().length
    const { code, stdout, stderr } = await deploy()
    expect([code, stderr]).toEqual([0, ''])
    expect(ids()).toHaveLength(before + 1)
    expect(stdout).toContain(`acme.sh:${DOMAIN}_ecc uploaded as ${ids().at(-1)}`)
    const sync = await program(['sync', '--json', ...places], account.credentials)
    expect(sync.stdout).toContain(`"lineage":"acme.sh:${DOMAIN}_ecc","outcome":"unchanged"`)
  })

  test('called again for the same certificate it sends nothing', async () => {
    const before = requests()
    expect(await deploy()).toMatchObject({ code: 0, stdout: expect.stringContaining('unchanged') })
    expect(requests()).toBe(before)
  })

  test('acme.sh keeps the hook: a renewal without options is uploaded', async () => {
    const before = ids().length
    const { code, stdout, stderr } = await acmeSh().renew(DOMAIN, { env: account.credentials })
    expect(code, stdout + stderr).toBe(0)
    expect(ids()).toHaveLength(before + 1)
  })

  test('--remove names the certificates whose renewals still need the hook', async () => {
    const home = acmeSh().home
    const words = ['install-hook', 'acme.sh', '--remove', '--home', home, '--source', `acme.sh=${home}`]
    const { stdout } = await program(words)
    expect(stdout).toContain(`  ${acmeSh().home}/${DOMAIN}_ecc/${DOMAIN}.conf\n`)
    expect((await acmeSh().renew(DOMAIN)).code).not.toBe(0)
  })
})
