/** `certferry setup` on a machine with a real systemd: from an API key in the environment to an uploaded certificate. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Machine, report, startMachine, why } from './systemdFixture.ts'

const KEY = '/etc/tencentcloud/credentials'

let machine: Machine

/** As an administrator types it, with the key in the environment. */
const setup = (key: string, ...words: readonly string[]) =>
  machine.run(
    'env',
    `TENCENTCLOUD_SECRET_ID=${DEMO_CREDENTIALS.secretId}`,
    `TENCENTCLOUD_SECRET_KEY=${key}`,
    ...['certferry', 'setup', '--yes', ...words],
  )

describe.skipIf(why)('certferry setup under systemd', () => {
  beforeAll(async () => {
    machine = await startMachine(await temporaryDirectory())
    await machine.run('rm', '-r', '/etc/tencentcloud', '/root/.acme.sh')
  })

  afterAll(() => machine?.close())

  test('setup stores the key, starts the service, checks everything, and the certificate is uploaded', async () => {
    const since = Date.now()
    const { code, stdout } = await setup(DEMO_CREDENTIALS.secretKey)
    report('setup had ended', since)
    expect([code, stdout]).toEqual([0, expect.stringContaining('started    certferry.service')])
    expect(stdout).toContain(`accepted, from ${KEY} [default]`)
    expect(stdout).toMatch(/^ok {4}daemon {9}certferry\.service is active/m)
    expect((await machine.run('stat', '-c', '%a %U', KEY)).stdout.trim()).toBe('600 root')
    expect(await machine.show('certferry')).toMatchObject({ ActiveState: 'active', UnitFileState: 'enabled' })
    await machine.uploaded(1)
  })

  test('setup run again changes nothing, and does not restart the daemon', async () => {
    const { MainPID } = await machine.show('certferry')
    const { code, stdout } = await setup(DEMO_CREDENTIALS.secretKey, '--skip-check')
    expect([code, stdout]).toEqual([0, 'Everything is already set up; nothing was changed.\n'])
    expect((await machine.show('certferry')).MainPID).toBe(MainPID)
  })

  test('with a wrong key setup restarts the daemon, and check reports the key', async () => {
    const { MainPID } = await machine.show('certferry')
    const { code, stdout } = await setup('mistyped')
    expect([code, stdout]).toEqual([77, expect.stringMatching(/^FAIL {2}credentials/m)])
    expect((await machine.show('certferry')).MainPID).not.toBe(MainPID)
    expect((await setup(DEMO_CREDENTIALS.secretKey)).code).toBe(0)
  })

  test('setup --hook installs the hook and the timer', async () => {
    const { code } = await setup(DEMO_CREDENTIALS.secretKey, '--hook')
    expect(code).toBe(0)
    expect((await machine.run('/etc/letsencrypt/renewal-hooks/deploy/zz-certferry')).code).toBe(64)
    expect(await machine.show('certferry-sync.timer')).toMatchObject({
      ActiveState: 'active',
      UnitFileState: 'enabled',
    })
  })

  test('check reports a daemon that has failed, with the command that shows its log', async () => {
    await machine.write('/etc/certferry/config.toml', '[tencent]\nendpoint = "ftp://x"\n')
    await machine.run('systemctl', 'restart', 'certferry')
    const { code, stdout } = await machine.run('certferry', 'check')
    expect(code).toBe(78)
    expect(stdout).toMatch(/^FAIL {2}daemon {9}certferry\.service has failed with exit 78/m)
    expect(stdout).toContain('journalctl -u certferry.service -n 20 --no-pager')
  })
})
