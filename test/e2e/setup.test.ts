/** `certferry setup` on a machine with a real systemd: from an API key in the environment to an uploaded certificate. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openStage, report, type Stage, why } from './systemdFixture.ts'

const KEY = '/etc/tencentcloud/credentials'

let stage: Stage

/** As an administrator types it, with the key in the environment. */
const setup = (key: string, ...words: readonly string[]) =>
  stage.run(
    'env',
    `TENCENTCLOUD_SECRET_ID=${DEMO_CREDENTIALS.secretId}`,
    `TENCENTCLOUD_SECRET_KEY=${key}`,
    ...['certferry', 'setup', '--yes', ...words],
  )

describe.skipIf(why)('certferry setup under systemd', () => {
  beforeAll(async () => {
    stage = await openStage(await temporaryDirectory())
    await stage.run('rm', '-r', '/etc/tencentcloud', '/root/.acme.sh')
  })

  afterAll(() => stage?.close())

  test('stores the key, starts the service, tests all of it, and the certificate is uploaded', async () => {
    const since = Date.now()
    const { code, stdout } = await setup(DEMO_CREDENTIALS.secretKey)
    report('setup had ended', since)
    expect([code, stdout]).toEqual([0, expect.stringContaining('started    certferry.service')])
    expect(stdout).toContain(`accepted, from ${KEY} [default]`)
    expect(stdout).toMatch(/^ok {4}daemon {9}certferry\.service is active: 1 certificate/m)
    expect((await stage.run('stat', '-c', '%a %U', KEY)).stdout.trim()).toBe('600 root')
    expect(await stage.show('certferry')).toMatchObject({ ActiveState: 'active', UnitFileState: 'enabled' })
    await stage.uploaded(1)
  })

  test('run again it changes nothing, and the daemon is the same', async () => {
    const { MainPID } = await stage.show('certferry')
    const { code, stdout } = await setup(DEMO_CREDENTIALS.secretKey, '--skip-check')
    expect([code, stdout]).toEqual([0, 'Everything is already set up; nothing was changed.\n'])
    expect((await stage.show('certferry')).MainPID).toBe(MainPID)
  })

  test('with a wrong key the daemon starts again with it, and the doctor says what is wrong', async () => {
    const { MainPID } = await stage.show('certferry')
    const { code, stdout } = await setup('mistyped')
    expect([code, stdout]).toEqual([77, expect.stringMatching(/^FAIL {2}credentials/m)])
    expect((await stage.show('certferry')).MainPID).not.toBe(MainPID)
    expect((await setup(DEMO_CREDENTIALS.secretKey)).code).toBe(0)
  })

  test('--hook installs the hook, and the timer beside it', async () => {
    const { code } = await setup(DEMO_CREDENTIALS.secretKey, '--hook')
    expect(code).toBe(0)
    expect((await stage.run('/etc/letsencrypt/renewal-hooks/deploy/zz-certferry')).code).toBe(64)
    expect(await stage.show('certferry-sync.timer')).toMatchObject({
      ActiveState: 'active',
      UnitFileState: 'enabled',
    })
  })

  test('a daemon that has failed is a failure of the check, with the log to look at', async () => {
    await stage.write('/etc/certferry/config.toml', '[tencent]\nendpoint = "ftp://x"\n')
    await stage.run('systemctl', 'restart', 'certferry')
    const { code, stdout } = await stage.run('certferry', 'check')
    expect(code).toBe(78)
    expect(stdout).toMatch(/^FAIL {2}daemon {9}certferry\.service has failed with exit 78/m)
    expect(stdout).toContain('journalctl -u certferry.service -n 20 --no-pager')
  })
})
