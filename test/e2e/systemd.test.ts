/** The daemon's unit under a real systemd, as the first process of a machine of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { eventually } from './container.ts'
import { CONFIG } from './systemdFiles.ts'
import { openStage, report, type Stage, why } from './systemdFixture.ts'

/** Only to read and search what belongs to others: bit 2. */
const DAC_READ_SEARCH = '0000000000000004'
const CONFIG_FILE = '/etc/certferry/config.toml'

let stage: Stage

const daemon = () => stage.show('certferry')

/** Another main process than before, and ready. */
const restarted = (before: string | undefined) =>
  eventually('the restart', async () => {
    const { MainPID, ActiveState } = await daemon()
    return ActiveState === 'active' && MainPID !== '0' && MainPID !== before
  })

describe.skipIf(why)('certferry.service', () => {
  beforeAll(async () => {
    stage = await openStage(await temporaryDirectory())
  })

  afterAll(() => stage?.close())

  test('gives systemd nothing to complain of, and neither do the other units', async () => {
    const units = [
      'certferry.service',
      'certferry@x.service',
      'certferry-sync.service',
      'certferry-sync.timer',
    ]
    const verified = await stage.run('systemd-analyze', 'verify', ...units)
    expect(verified).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('is ready after the first listing, and says what there is', async () => {
    const since = Date.now()
    await stage.systemctl('start', 'certferry')
    report('the daemon was ready', since)
    expect(await daemon()).toMatchObject({ ActiveState: 'active', SubState: 'running' })
    await eventually('a status', async () => /^2 certificates, /.test((await daemon()).StatusText ?? ''))
  })

  test('runs as nobody, with one capability', async () => {
    const { MainPID } = await daemon()
    const { stdout } = await stage.run('cat', `/proc/${MainPID}/status`)
    const line = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(stdout)?.[1]
    expect(line('Uid')?.split('\t').map(Number)).not.toContain(0)
    for (const name of ['CapEff', 'CapPrm', 'CapBnd']) expect(line(name), name).toBe(DAC_READ_SEARCH)
    expect([line('NoNewPrivs'), line('Seccomp')]).toEqual(['1', '2'])
  })

  test("uploads root's certificates: certbot's behind 0700, acme.sh's in root's home", async () => {
    await stage.uploaded(2)
    const { stdout } = await stage.run('stat', '-Lc', '%a %u', '/etc/letsencrypt', '/var/lib/certferry')
    expect(stdout).toMatch(/^700 0\n700 [1-9]\d+\n$/)
  })

  test('uploads a renewal as it happens', async () => {
    const since = Date.now()
    await all(certbotRenew(stage.letsencrypt, 'first', await issue({ names: ['first.example.com'] })))
    await stage.uploaded(3)
    report('a renewal was uploaded', since)
  })

  test('reloads its configuration in the same process, and keeps the old one where the new is wrong', async () => {
    const { MainPID } = await daemon()
    await stage.write(CONFIG_FILE, `${CONFIG}sweeep = 1\n`)
    await stage.systemctl('reload', 'certferry')
    await eventually('a complaint', async () => /not reloaded.*sweeep/.test(await stage.journal('certferry')))
    await stage.write(CONFIG_FILE, CONFIG)
    await stage.systemctl('reload', 'certferry')
    await eventually('a reload', async () => /^reloaded/m.test(await stage.journal('certferry')))
    expect(await eventually('rest', async () => (await daemon()).ActiveState === 'active')).toBe(true)
    expect(await daemon()).toMatchObject({ MainPID, NRestarts: '0' })
  })

  test('a client that was installed after the start: SIGUSR1 and check name it, a restart opens it', async () => {
    const unseen = 'does not see /root/.lego'
    const check = () => stage.run('certferry', 'check')
    expect((await check()).stdout).not.toContain('does not see')
    await stage.run('mkdir', '-p', '/root/.lego/certificates')
    await stage.systemctl('kill', '-s', 'USR1', 'certferry')
    await eventually('a line', async () =>
      (await stage.journal('certferry')).includes(`this service ${unseen}`),
    )
    expect((await check()).stdout.replace(/\s+/g, ' ')).toContain(`certferry.service ${unseen}`)
    await stage.systemctl('restart', 'certferry')
    expect((await check()).stdout).not.toContain('does not see')
  })

  test('is started again after kill -9, and uploads nothing twice', async () => {
    const { MainPID = '' } = await daemon()
    const since = Date.now()
    await stage.run('kill', '-9', MainPID)
    await restarted(MainPID)
    report('a killed daemon was ready again', since)
    expect(await daemon()).toMatchObject({ NRestarts: '1' })
    await stage.issue('fresh')
    await stage.uploaded(4)
  })

  test('is killed by the watchdog when its event loop stands still, and started again', async () => {
    const { MainPID = '' } = await daemon()
    const since = Date.now()
    await stage.run('kill', '-STOP', MainPID)
    await restarted(MainPID)
    report('a stopped daemon was killed (watchdog of 3 s) and ready again', since)
    expect(await stage.journal('certferry')).toContain('Watchdog timeout')
    expect(await daemon()).toMatchObject({ NRestarts: '2' })
  })

  test('lives on, watchdog or not, as long as its event loop turns', async () => {
    const { WatchdogTimestampMonotonic: before } = await daemon()
    const beaten = async () =>
      Number((await daemon()).WatchdogTimestampMonotonic) > Number(before) + 4_000_000
    await eventually('pings for longer than the watchdog waits', beaten)
    expect(await daemon()).toMatchObject({ NRestarts: '2', ActiveState: 'active' })
  })

  test('stops in time, well, and leaves no process behind', async () => {
    const { ControlGroup } = await daemon()
    const since = Date.now()
    await stage.systemctl('stop', 'certferry')
    report('the daemon had stopped', since)
    expect(Date.now() - since).toBeLessThan(10_000)
    expect(await daemon()).toMatchObject({ ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' })
    expect(ControlGroup).toBe('/system.slice/certferry.service')
    const { stdout } = await stage.run('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')
    expect(stdout).toContain('main.js emulator')
    expect(stdout).not.toMatch(/main\.js watch|systemd-notify/)
  })

  test('is not started again and again with a configuration that only a person can mend', async () => {
    await stage.write(CONFIG_FILE, `${CONFIG}sweeep = 1\n`)
    expect(await stage.run('systemctl', 'start', 'certferry')).toMatchObject({ code: 1 })
    const failed = { ActiveState: 'failed', ExecMainStatus: '78', NRestarts: '0' }
    expect(await daemon()).toMatchObject(failed)
  })
})
