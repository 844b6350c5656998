/** Without the daemon: sync as a unit, started by hand, by its timer, and after certbot's own unit. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { eventually } from './container.ts'
import { type Machine, startMachine, why } from './systemdFixture.ts'

let machine: Machine

const sync = () => machine.show('certferry-sync')

describe.skipIf(why)('certferry-sync.service', () => {
  beforeAll(async () => {
    machine = await startMachine(await temporaryDirectory())
  })

  afterAll(() => machine?.close())

  test('started by hand uploads everything once, and ends', async () => {
    await machine.systemctl('start', 'certferry-sync')
    await machine.uploaded(2)
    await machine.systemctl('start', 'certferry-sync')
    await machine.uploaded(2)
    expect(await sync()).toMatchObject({ ActiveState: 'inactive', Result: 'success' })
    expect(await machine.journal('certferry-sync')).toContain('2 unchanged')
  })

  test('takes over the state that root recorded before there was a unit', async () => {
    await machine.run('rm', '-r', '/var/lib/certferry', '/var/lib/private/certferry')
    expect((await machine.run('certferry', 'sync')).stdout).toContain('2 uploaded')
    expect((await machine.run('stat', '-c', '%F %u', '/var/lib/certferry')).stdout).toBe('directory 0\n')
    await machine.systemctl('start', 'certferry-sync')
    expect((await machine.journal('certferry-sync')).split('2 unchanged')).toHaveLength(3)
    const { stdout } = await machine.run('stat', '-c', '%u', '/var/lib/private/certferry/state.db')
    expect(stdout).toMatch(/^\d{2,}\n$/)
    await machine.uploaded(4)
  })

  test('shares its state with the daemon, and either goes on where the other stopped', async () => {
    await machine.systemctl('start', 'certferry')
    await machine.systemctl('start', 'certferry-sync')
    await machine.issue('beside')
    await machine.uploaded(5)
    await machine.systemctl('stop', 'certferry')
    await machine.systemctl('start', 'certferry-sync')
    await machine.uploaded(5)
  })

  test('has a timer with a next run', async () => {
    await machine.systemctl('start', 'certferry-sync.timer')
    const { ActiveState, NextElapseUSecRealtime } = await machine.show('certferry-sync.timer')
    expect(ActiveState).toBe('active')
    expect(NextElapseUSecRealtime).toMatch(/\d\d:(1|2|3|4)\d:\d\d/)
    await machine.systemctl('stop', 'certferry-sync.timer')
  })

  test.each([
    ['success', '0', 6],
    ['a failure, because other certificates may have been renewed', '1', 7],
  ])('runs when certbot has ended with %s', async (_, code, count) => {
    await machine.issue(`certbot-${code}`)
    await machine.write('/run/certbot-code', code)
    expect((await machine.run('systemctl', 'start', 'certbot')).code).toBe(Number(code))
    await machine.uploaded(count)
    await eventually('its end', async () => (await sync()).ActiveState === 'inactive')
  })

  test('is started again for a pending renewal, and for nothing else', async () => {
    const key = join(machine.letsencrypt, 'live/beside/privkey.pem')
    await rm(key)
    expect((await machine.run('systemctl', 'start', 'certferry-sync')).code).toBe(1)
    expect(await sync()).toMatchObject({ SubState: 'auto-restart', ExecMainStatus: '75' })
    await machine.systemctl('stop', 'certferry-sync')
    await writeFile(key, 'no key\n')
    await writeFile(join(machine.letsencrypt, 'live/beside/fullchain.pem'), 'no certificate\n')
    expect((await machine.run('systemctl', 'start', 'certferry-sync')).code).toBe(1)
    await eventually('its end', async () => (await sync()).ActiveState === 'failed')
    expect(await sync()).toMatchObject({ ExecMainStatus: '65', NRestarts: '0' })
  })
})
