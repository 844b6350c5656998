/** Without the daemon: one pass as a unit, by its timer, by hand, and behind certbot's own unit. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { eventually } from './container.ts'
import { openStage, type Stage, why } from './systemdFixture.ts'

let stage: Stage

const sync = () => stage.show('certferry-sync')

describe.skipIf(why)('certferry-sync.service', () => {
  beforeAll(async () => {
    stage = await openStage(await temporaryDirectory())
  })

  afterAll(() => stage?.close())

  test('started by hand uploads everything once, and ends', async () => {
    await stage.systemctl('start', 'certferry-sync')
    await stage.uploaded(2)
    await stage.systemctl('start', 'certferry-sync')
    await stage.uploaded(2)
    expect(await sync()).toMatchObject({ ActiveState: 'inactive', Result: 'success' })
    expect(await stage.journal('certferry-sync')).toContain('2 unchanged')
  })

  test('takes over what root has recorded before there was a unit', async () => {
    await stage.run('rm', '-r', '/var/lib/certferry', '/var/lib/private/certferry')
    expect((await stage.run('certferry', 'sync')).stdout).toContain('2 uploaded')
    expect((await stage.run('stat', '-c', '%F %u', '/var/lib/certferry')).stdout).toBe('directory 0\n')
    await stage.systemctl('start', 'certferry-sync')
    expect((await stage.journal('certferry-sync')).split('2 unchanged')).toHaveLength(3)
    const { stdout } = await stage.run('stat', '-c', '%u', '/var/lib/private/certferry/state.db')
    expect(stdout).toMatch(/^\d{2,}\n$/)
    await stage.uploaded(4)
  })

  test('shares its state with the daemon, and either goes on where the other stopped', async () => {
    await stage.systemctl('start', 'certferry')
    await stage.systemctl('start', 'certferry-sync')
    await stage.issue('beside')
    await stage.uploaded(5)
    await stage.systemctl('stop', 'certferry')
    await stage.systemctl('start', 'certferry-sync')
    await stage.uploaded(5)
  })

  test('has a timer, which knows when it is due', async () => {
    await stage.systemctl('start', 'certferry-sync.timer')
    const { ActiveState, NextElapseUSecRealtime } = await stage.show('certferry-sync.timer')
    expect(ActiveState).toBe('active')
    expect(NextElapseUSecRealtime).toMatch(/\d\d:(1|2|3|4)\d:\d\d/)
    await stage.systemctl('stop', 'certferry-sync.timer')
  })

  test.each([
    ['well', '0', 6],
    ['badly, for other certificates may have been renewed', '1', 7],
  ])('runs when certbot has ended %s', async (_, code, count) => {
    await stage.issue(`certbot-${code}`)
    await stage.write('/run/certbot-code', code)
    expect((await stage.run('systemctl', 'start', 'certbot')).code).toBe(Number(code))
    await stage.uploaded(count)
    await eventually('its end', async () => (await sync()).ActiveState === 'inactive')
  })

  test('comes back by itself for what is pending, and for nothing else', async () => {
    const key = join(stage.letsencrypt, 'live/beside/privkey.pem')
    await rm(key)
    expect((await stage.run('systemctl', 'start', 'certferry-sync')).code).toBe(1)
    expect(await sync()).toMatchObject({ SubState: 'auto-restart', ExecMainStatus: '75' })
    await stage.systemctl('stop', 'certferry-sync')
    await writeFile(key, 'no key\n')
    await writeFile(join(stage.letsencrypt, 'live/beside/fullchain.pem'), 'no certificate\n')
    expect((await stage.run('systemctl', 'start', 'certferry-sync')).code).toBe(1)
    await eventually('its end', async () => (await sync()).ActiveState === 'failed')
    expect(await sync()).toMatchObject({ ExecMainStatus: '65', NRestarts: '0' })
  })
})
