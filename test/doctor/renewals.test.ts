import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pid } from 'node:process'
import { expect, test } from 'vitest'
import type { Source } from '../../src/config/settings.ts'
import { daemonFinding, isDaemon } from '../../src/doctor/daemon.ts'
import {
  type Automation,
  renewalFinding,
  runsSync,
  unseenFinding,
  unseenPaths,
} from '../../src/doctor/renewals.ts'
import { ABSENT, type Unit, unitsIn } from '../../src/systemd/systemctl.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const NOTHING: Automation = { units: undefined, pids: [], others: [], crontabs: [] }
const installed = (more: Partial<Unit> = {}): Unit => ({ ...ABSENT, installed: true, ...more })
const systemd = (service: Unit, timer: Unit = ABSENT): Automation => ({
  ...NOTHING,
  units: { service, timer },
})

test.each<readonly [Automation, string, string]>([
  [NOTHING, 'unreached', 'not running'],
  [systemd(ABSENT), 'unreached', 'not running'],
  [{ ...NOTHING, pids: [7, 9] }, 'ok', 'running as process 7, 9'],
  [systemd(installed()), 'unreached', 'certferry.service is installed, not enabled'],
  [
    systemd(installed({ active: 'active', status: '2 certificates' })),
    'ok',
    'certferry.service is active: 2 certificates',
  ],
  [systemd(installed({ enabled: true })), 'warning', 'certferry.service is enabled but not running'],
  [
    systemd(installed({ active: 'failed', exit: 78 })),
    'failure',
    'certferry.service has failed with exit 78',
  ],
  [
    systemd(installed({ active: 'activating', sub: 'auto-restart', exit: 77 })),
    'failure',
    'certferry.service keeps failing, last with exit 77',
  ],
])('the state of the daemon, case %#, is %s: %s', (automation, level, says) => {
  expect(daemonFinding(automation)).toMatchObject({ level, says })
  if (level === 'warning' || level === 'failure')
    expect(daemonFinding(automation).command).toMatch(/systemctl start|journalctl/)
})

test.each([
  ['/opt/node /srv/app/main.js watch', true],
  ['/usr/bin/certferry watch --config x', true],
  ['node /opt/certferry/dist/main.js watch', true],
  ['node --max-old-space-size=100 certferry.cjs watch', true],
  ['node --enable-source-maps /opt/certferry/dist/main.js watch', true],
  ['node -e 0 certferry watch', false],
  ['python3 x.py certferry watch', false],
  ['timeout 9 certferry watch', false],
  ['/usr/bin/certferry sync', false],
  ['/usr/bin/certferry check watch', false],
  ['vim watch', false],
  ['watch certferry status', false],
  ['', false],
])('a daemon is recognised by its command line: "%s" is %s', (words, expected) => {
  const program = { node: '/opt/node', main: '/srv/app/main.js' }
  expect(isDaemon({ words: words.split(' ') }, program)).toBe(expected)
})

test('a self-contained program is recognised as a daemon', () => {
  const program = { node: '/srv/cf', main: undefined }
  expect(isDaemon({ words: ['/srv/cf', 'watch'], executable: '/srv/cf' }, program)).toBe(true)
})

test.each([
  ['/usr/lib/certferry/certferry', true],
  ['/usr/bin/certferry (deleted)', true],
  ['/opt/node-24/bin/node', true],
  ['/usr/bin/nodejs', true],
  ['/usr/bin/dash', false],
  ['/usr/bin/sleep', false],
])('a process named "certferry watch" that executes %s is a daemon: %s', (executable, expected) => {
  const program = { node: '/opt/own/node', main: '/srv/app/main.js' }
  expect(isDaemon({ words: ['certferry', 'watch'], executable }, program)).toBe(expected)
})

const CERTBOT = { certbot: false }
test.each<readonly [Automation, Readonly<Record<string, boolean>>, string, RegExp]>([
  [systemd(installed({ active: 'active' })), CERTBOT, 'ok', /uploaded by certferry.service$/],
  [systemd(installed({ active: 'active' })), { certbot: true }, 'ok', /certferry.service, certbot's hook$/],
  [systemd(ABSENT, installed({ active: 'active' })), { pem: false }, 'ok', /certferry-sync.timer/],
  [{ ...NOTHING, crontabs: ['/etc/cron.d/certferry'] }, CERTBOT, 'ok', /\/etc\/cron.d\/certferry/],
  [{ ...NOTHING, pids: [7] }, CERTBOT, 'ok', /by the daemon/],
  [
    systemd(installed({ active: 'activating', sub: 'auto-restart' })),
    CERTBOT,
    'warning',
    /^renewals are not uploaded automatically/,
  ],
  [NOTHING, CERTBOT, 'warning', /^renewals are not uploaded automatically/],
  [NOTHING, { certbot: true, 'acme.sh': false }, 'warning', /^renewals of acme.sh are not uploaded/],
  [NOTHING, { certbot: true }, 'warning', /hook only, which is not called again/],
])('what uploads renewals, case %#, is named', (automation, kinds, level, says) => {
  const finding = renewalFinding(automation, new Map(Object.entries(kinds)))
  expect(finding).toMatchObject({ level, says: expect.stringMatching(says) })
})

test('beside a hook alone, the installed timer is proposed, else a cron job', () => {
  const commandWith = (automation: Automation) =>
    renewalFinding(automation, new Map([['certbot', true]])).command
  expect(commandWith(systemd(ABSENT, installed()))).toBe('sudo systemctl enable --now certferry-sync.timer')
  expect(commandWith(NOTHING)).toContain('/etc/cron.d/certferry')
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
])('a cron line that runs sync as this user or root counts: %s: %s', (file, text, uid, expected) => {
  expect(runsSync({ file, uid, text }, { uid: 1_000, name: 'me' })).toBe(expected)
})

test('units are read from the output of systemctl, and an unknown one is absent', () => {
  const units = unitsIn(`Id=certferry.service
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
`)
  const status = '2 certificates, next = 18:17'
  const running = { active: 'active', sub: 'running', status, exit: 0, pid: 42 }
  expect(units('certferry.service')).toEqual({ installed: true, enabled: true, ...running })
  expect(units('certferry-sync.timer')).toEqual(ABSENT)
  expect(unitsIn('')('certferry.service')).toEqual(ABSENT)
})

const keys = {}
const folder = (path: string): Source => ({ kind: 'acme.sh', path, keys })
const files = (chain: string, key: string): Source => ({ kind: 'pem', name: 'x', chain, key, keys })

/** A /proc with process 42, whose root has the folders that lead to the temporary directory and nothing else. */
async function procFixture() {
  const home = await temporaryDirectory()
  const proc = await temporaryDirectory()
  const root = join(proc, '42/root')
  await mkdir(join(root, dirname(home)), { recursive: true })
  const unseen = (...sources: readonly Source[]) => unseenPaths(42, sources, proc)
  return { home, root, seen: join(root, home), unseen }
}

test('a folder that only this user sees is reported; a missing one is not', async () => {
  const { home, unseen } = await procFixture()
  await mkdir(join(home, '.acme.sh'))
  expect(unseen(folder(join(home, '.acme.sh')), folder(join(home, '.lego')))).toEqual([
    join(home, '.acme.sh'),
  ])
})

test('a folder that was replaced after the start of the daemon is reported', async () => {
  const { home, seen, unseen } = await procFixture()
  await mkdir(join(home, '.acme.sh'))
  await mkdir(join(seen, '.acme.sh'), { recursive: true })
  expect(unseen(folder(join(home, '.acme.sh')))).toEqual([join(home, '.acme.sh')])
})

test('absolute links are followed below the root of the process', async () => {
  const { home, seen, unseen } = await procFixture()
  const [chain, key] = [join(home, 'link/chain.pem'), join(home, 'link/key.pem')]
  await mkdir(join(home, 'real'))
  await symlink(join(home, 'real'), join(home, 'link'))
  for (const file of [chain, key]) await writeFile(file, '')
  await cp(home, seen, { recursive: true, verbatimSymlinks: true })
  expect(unseen(files(chain, key))).toEqual([])
  await rm(join(seen, 'real/key.pem'))
  expect(unseen(files(chain, key))).toEqual([key])
})

test('a link to itself below the root of the process ends and is reported', async () => {
  const { home, seen, unseen } = await procFixture()
  await mkdir(join(home, 'a'))
  await mkdir(seen)
  await symlink('a', join(seen, 'a'))
  expect(unseen(folder(join(home, 'a')))).toEqual([join(home, 'a')])
})

test('a process whose root is unreadable reports nothing, and the own process sees everything', async () => {
  const { home, root, unseen } = await procFixture()
  await rm(root, { recursive: true })
  expect(unseen(folder(home))).toEqual([])
  expect(unseenPaths(pid, [folder(home)])).toEqual([])
})

test('a path that the service does not see comes with its restart; another daemon is named by its process', () => {
  const [service, other] = [true, false].map(isService =>
    unseenFinding('/root/.lego', { pid: 42, isService }),
  )
  expect(service).toMatchObject({ level: 'warning', command: 'sudo systemctl restart certferry.service' })
  expect(other?.says).toMatch(/^process 42 does not see \/root/)
})
