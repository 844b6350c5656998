/** The daemon's unit under a real systemd, which is the first process of a container. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { eventually } from './container.ts'
import { CONFIG, type Machine, report, startMachine, why } from './systemdFixture.ts'

/** Bit 2: to read and search what belongs to others. */
const DAC_READ_SEARCH = '0000000000000004'
const CONFIG_FILE = '/etc/certferry/config.toml'

let machine: Machine

const daemon = () => machine.show('certferry')

/** Another main process than before, and ready. */
const restarted = (before: string | undefined) =>
  eventually('the restart', async () => {
    const { MainPID, ActiveState } = await daemon()
    return ActiveState === 'active' && MainPID !== '0' && MainPID !== before
  })

describe.skipIf(why)('certferry.service', () => {
  beforeAll(async () => {
    machine = await startMachine(await temporaryDirectory())
  })

  afterAll(() => machine?.close())

  test('systemd-analyze verify accepts all units', async () => {
    const units = [
      'certferry.service',
      'certferry@x.service',
      'certferry-sync.service',
      'certferry-sync.timer',
    ]
    const verified = await machine.run('systemd-analyze', 'verify', ...units)
    expect(verified).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('is ready once it has listed its certificates, and shows their number', async () => {
    const since = Date.now()
    await machine.systemctl('start', 'certferry')
    report('the daemon was ready', since)
    expect(await daemon()).toMatchObject({ ActiveState: 'active', SubState: 'running' })
    await eventually('a status', async () => /^2 certificates, /.test((await daemon()).StatusText ?? ''))
  })

  test('does not run as root, and has one capability', async () => {
    const { MainPID } = await daemon()
    const { stdout } = await machine.run('cat', `/proc/${MainPID}/status`)
    const line = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(stdout)?.[1]
    expect(line('Uid')?.split('\t').map(Number)).not.toContain(0)
    for (const name of ['CapEff', 'CapPrm', 'CapBnd']) expect(line(name), name).toBe(DAC_READ_SEARCH)
    expect([line('NoNewPrivs'), line('Seccomp')]).toEqual(['1', '2'])
  })

  test("uploads root's certificates: certbot's behind 0700, acme.sh's in root's home", async () => {
    await machine.uploaded(2)
    const { stdout } = await machine.run('stat', '-Lc', '%a %u', '/etc/letsencrypt', '/var/lib/certferry')
    expect(stdout).toMatch(/^700 0\n700 [1-9]\d+\n$/)
  })

  test('uploads a renewal as it happens', async () => {
    const since = Date.now()
    await all(certbotRenew(machine.letsencrypt, 'first', await issue({ names: ['first.example.com'] })))
    await machine.uploaded(3)
    report('a renewal was uploaded', since)
  })

  test('reloads its configuration in the same process, and fails and keeps the old one where the new is wrong', async () => {
    const { MainPID } = await daemon()
    await machine.write(CONFIG_FILE, `${CONFIG}sweeep = 1\n`)
    const { code, stderr } = await machine.run('systemctl', 'reload', 'certferry')
    expect([code, stderr]).toEqual([1, expect.stringContaining('journalctl')])
    await eventually('a complaint', async () => /sweeep/.test(await machine.journal('certferry')))
    expect(await daemon()).toMatchObject({ MainPID, ActiveState: 'active' })
    await machine.write(CONFIG_FILE, CONFIG)
    await machine.systemctl('reload', 'certferry')
    await eventually('a reload', async () => /^reloaded/m.test(await machine.journal('certferry')))
    expect(await eventually('rest', async () => (await daemon()).ActiveState === 'active')).toBe(true)
    expect(await daemon()).toMatchObject({ MainPID, NRestarts: '0' })
  })

  test('SIGUSR1 and check name a client installed after the start, and a restart opens it', async () => {
    const unseen = 'does not see /root/.lego'
    const check = () => machine.run('certferry', 'check')
    expect((await check()).stdout).not.toContain('does not see')
    await machine.run('mkdir', '-p', '/root/.lego/certificates')
    await machine.systemctl('kill', '-s', 'USR1', 'certferry')
    await eventually('a line', async () =>
      (await machine.journal('certferry')).includes(`this service ${unseen}`),
    )
    expect((await check()).stdout.replace(/\s+/g, ' ')).toContain(`certferry.service ${unseen}`)
    await machine.systemctl('restart', 'certferry')
    expect((await check()).stdout).not.toContain('does not see')
  })

  test('is started again after kill -9, and uploads nothing twice', async () => {
    const { MainPID = '' } = await daemon()
    const since = Date.now()
    await machine.run('kill', '-9', MainPID)
    await restarted(MainPID)
    report('a killed daemon was ready again', since)
    expect(await daemon()).toMatchObject({ NRestarts: '1' })
    await machine.issue('fresh')
    await machine.uploaded(4)
  })

  test('is killed by the watchdog when its event loop stops, and started again', async () => {
    const { MainPID = '' } = await daemon()
    const since = Date.now()
    await machine.run('kill', '-STOP', MainPID)
    await restarted(MainPID)
    report('a stopped daemon was killed (watchdog of 3 s) and ready again', since)
    expect(await machine.journal('certferry')).toContain('Watchdog timeout')
    expect(await daemon()).toMatchObject({ NRestarts: '2' })
  })

  test('pings the watchdog as long as its event loop runs', async () => {
    const { WatchdogTimestampMonotonic: before } = await daemon()
    const pinged = async () =>
      Number((await daemon()).WatchdogTimestampMonotonic) > Number(before) + 4_000_000
    await eventually('pings for longer than the watchdog waits', pinged)
    expect(await daemon()).toMatchObject({ NRestarts: '2', ActiveState: 'active' })
  })

  test('stops in time with success, and leaves no process behind', async () => {
    const { ControlGroup } = await daemon()
    const since = Date.now()
    await machine.systemctl('stop', 'certferry')
    report('the daemon had stopped', since)
    expect(Date.now() - since).toBeLessThan(10_000)
    expect(await daemon()).toMatchObject({ ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' })
    expect(ControlGroup).toBe('/system.slice/certferry.service')
    const { stdout } = await machine.run('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')
    expect(stdout).toContain('main.js emulator')
    expect(stdout).not.toMatch(/main\.js watch|systemd-notify/)
  })

  test('is not started again with a wrong configuration', async () => {
    await machine.write(CONFIG_FILE, `${CONFIG}sweeep = 1\n`)
    expect(await machine.run('systemctl', 'start', 'certferry')).toMatchObject({ code: 1 })
    const failed = { ActiveState: 'failed', ExecMainStatus: '78', NRestarts: '0' }
    expect(await daemon()).toMatchObject(failed)
  })
})
