import { describe, expect, test } from 'vitest'
import {
  type Automation,
  daemonFinding,
  isDaemon,
  renewalFinding,
  runsSync,
} from '../../src/doctor/renewals.ts'
import { ABSENT, type Unit, unitsIn } from '../../src/systemd/systemctl.ts'

const NOTHING: Automation = { units: undefined, pids: [], others: [], crontabs: [] }
const unit = (more: Partial<Unit>): Unit => ({ ...ABSENT, installed: true, ...more })
const systemd = (service: Unit, timer: Unit = ABSENT): Automation => ({
  ...NOTHING,
  units: { service, timer },
})

describe('the daemon', () => {
  test.each<readonly [string, Automation, string, string]>([
    ['none', NOTHING, 'ok', 'not running'],
    ['without systemd, by its process', { ...NOTHING, pids: [7, 9] }, 'ok', 'running as process 7, 9'],
    ['no unit', systemd(ABSENT), 'ok', 'not running'],
    ['a unit that nobody enabled', systemd(unit({})), 'ok', 'certferry.service is installed, not enabled'],
    [
      'running',
      systemd(unit({ active: 'active', status: '2 certificates' })),
      'ok',
      'certferry.service is active: 2 certificates',
    ],
    [
      'stopped by hand',
      systemd(unit({ enabled: true })),
      'warning',
      'certferry.service is enabled but not running',
    ],
    [
      'failed',
      systemd(unit({ active: 'failed', exit: 78 })),
      'failure',
      'certferry.service has failed with exit 78',
    ],
    [
      'started again and again',
      systemd(unit({ active: 'activating', sub: 'auto-restart', exit: 77 })),
      'failure',
      'certferry.service keeps failing, last with exit 77',
    ],
  ])('%s', (_, signs, level, says) => {
    expect(daemonFinding(signs)).toMatchObject({ level, says })
    if (level !== 'ok') expect(daemonFinding(signs).command).toMatch(/systemctl start|journalctl/)
  })

  const program = { node: '/opt/node', main: '/srv/app/main.js' }
  test.each([
    ['/opt/node /srv/app/main.js watch', true],
    ['/usr/bin/certferry watch --config x', true],
    ['node /opt/certferry/dist/main.js watch', true],
    ['node --max-old-space-size=100 certferry.cjs watch', true],
    ['/usr/bin/certferry sync', false],
    ['/usr/bin/certferry check watch', false],
    ['vim watch', false],
    ['watch certferry status', false],
    ['', false],
  ])('is told from its command line: %s', (words, expected) => {
    expect(isDaemon(words.split(' '), program)).toBe(expected)
  })

  test('of a self-contained program too', () => {
    expect(isDaemon(['/srv/cf', 'watch'], { node: '/srv/cf', main: undefined })).toBe(true)
  })
})

describe('renewals', () => {
  const kinds = (...entries: ReadonlyArray<readonly [string, boolean]>) => new Map(entries)
  const running = systemd(unit({ active: 'active' }))
  test.each<readonly [string, Parameters<typeof renewalFinding>[0], string, RegExp]>([
    [
      'by the daemon',
      { ...running, kinds: kinds(['certbot', false]) },
      'ok',
      /uploaded by certferry.service$/,
    ],
    [
      'by the daemon and a hook',
      { ...running, kinds: kinds(['certbot', true]) },
      'ok',
      /uploaded by certferry.service, certbot's hook$/,
    ],
    [
      'by the timer',
      { ...systemd(ABSENT, unit({ active: 'active' })), kinds: kinds(['pem', false]) },
      'ok',
      /certferry-sync.timer/,
    ],
    [
      'by cron',
      { ...NOTHING, crontabs: ['/etc/cron.d/certferry'], kinds: kinds(['certbot', false]) },
      'ok',
      /\/etc\/cron.d\/certferry/,
    ],
    [
      'by a daemon without systemd',
      { ...NOTHING, pids: [7], kinds: kinds(['certbot', false]) },
      'ok',
      /by the daemon/,
    ],
    [
      'by nobody, where the daemon ends again and again',
      { ...systemd(unit({ active: 'activating', sub: 'auto-restart' })), kinds: kinds(['certbot', false]) },
      'warning',
      /^renewals are not uploaded automatically/,
    ],
    [
      'by nobody',
      { ...NOTHING, kinds: kinds(['certbot', false]) },
      'warning',
      /^renewals are not uploaded automatically/,
    ],
    [
      'of one client by its hook, of the other by nobody',
      { ...NOTHING, kinds: kinds(['certbot', true], ['acme.sh', false]) },
      'warning',
      /^renewals of acme.sh are not uploaded/,
    ],
    [
      'by a hook only, which nobody calls again',
      { ...NOTHING, kinds: kinds(['certbot', true]) },
      'warning',
      /hook only, which is not called again/,
    ],
  ])('%s', (_, signs, level, says) => {
    expect(renewalFinding(signs)).toMatchObject({ level, says: expect.stringMatching(says) })
  })

  test('by a hook only: the timer is named where it is installed, a line for cron elsewhere', () => {
    const hook = kinds(['certbot', true])
    const timer = renewalFinding({ ...systemd(ABSENT, unit({})), kinds: hook })
    expect(timer.command).toBe('sudo systemctl enable --now certferry-sync.timer')
    expect(renewalFinding({ ...NOTHING, kinds: hook }).command).toContain('/etc/cron.d/certferry')
  })

  const CRON_D = '/etc/cron.d/certferry'
  test.each<readonly [string, string, number, boolean]>([
    [CRON_D, '17 */12 * * *  root  /usr/local/bin/certferry sync --log-level warn', 0, true],
    [CRON_D, '@daily me certferry sync', 0, true],
    [CRON_D, '@daily other certferry sync', 0, false],
    [CRON_D, '5 5 * * * other certferry sync', 0, false],
    ['/etc/crontab', '5 5 * * * root certferry sync', 0, true],
    [CRON_D, '# 17 3 * * * root certferry sync', 0, false],
    [CRON_D, '17 3 * * * root certferry status', 0, false],
    [CRON_D, '17 3 * * * root rsync certferry', 0, false],
    ['/etc/cron.daily/certferry', 'certferry sync', 0, true],
    ['/var/spool/cron/crontabs/root', '17 3 * * * certferry sync', 0, true],
    ['/var/spool/cron/crontabs/me', '@daily certferry sync', 1_000, true],
    ['/var/spool/cron/crontabs/other', '@daily certferry sync', 1_001, false],
  ])('a line of %s: %s', (file, text, uid, expected) => {
    expect(runsSync({ file, uid, text }, { uid: 1_000, name: 'me' })).toBe(expected)
  })
})

describe('what systemctl shows', () => {
  const shown = `Id=certferry.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
StatusText=2 certificates, next = 18:17
ExecMainStatus=0
MainPID=42

Id=certferry-sync.timer
LoadState=not-found
ActiveState=inactive
`
  test('is read unit by unit, in whatever order', () => {
    expect(unitsIn(shown)('certferry.service')).toEqual({
      installed: true,
      enabled: true,
      active: 'active',
      sub: 'running',
      status: '2 certificates, next = 18:17',
      exit: 0,
      pid: 42,
    })
  })

  test('does not have what systemd does not know', () => {
    expect([unitsIn(shown)('certferry-sync.timer'), unitsIn('')('certferry.service')]).toEqual([
      ABSENT,
      ABSENT,
    ])
  })
})
