/** The README's installation on a fresh Debian without Node, word for word; upgrade, removal, purge. */
import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { run, SYSTEM_PATH } from './child.ts'
import { eventually } from './container.ts'
import { type Debian, ENDPOINT, startDebian, whyNoDebian } from './debianFixture.ts'
import { REPOSITORY } from './systemdFixture.ts'

const why = await whyNoDebian()
if (why) stderr.write(`debian: the package is not tried on a fresh Debian, ${why}\n`)

const hasLintian = spawnSync('lintian', ['--version']).status === 0
if (!hasLintian) stderr.write('debian: the packages are not examined, there is no lintian\n')

const MINUTE = 60_000
const SLOW = 15 * MINUTE

/** The one block of commands below this heading of the README. */
async function steps(): Promise<readonly string[]> {
  const readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8')
  const block = /^## Install$.*?^```sh\n(.*?)^```$/ms.exec(readme)?.[1]
  return block?.trim().split('\n') ?? []
}

/** The service has another address here. */
const here = (line: string) => line.replace('certferry setup', `certferry setup --endpoint ${ENDPOINT}`)

/** A second account, as docs/operating.md has it. */
const SECOND = `set -e
printf '[tencent]\\nendpoint = "${ENDPOINT}"\\n' > /etc/certferry/intl.toml
install -m 600 /etc/tencentcloud/credentials /etc/certferry/intl.credentials
systemctl enable --now certferry@intl`

/** The files of an ACME client as far as install-hook asks for them. */
const DEHYDRATED = `set -e
mkdir -p /etc/dehydrated/conf.d /var/lib/dehydrated/certs
printf 'BASEDIR=/var/lib/dehydrated\\nCONFIG_D=/etc/dehydrated/conf.d\\n' > /etc/dehydrated/config`

const idsIn = (text: string) => [...text.matchAll(/uploaded as (\w+)/g)].map(([, id]) => id)

describe.skipIf(why)('on a fresh Debian 12 with certbot and no Node', () => {
  let debian: Debian
  let id = ''

  const uploads = async () =>
    (await debian.requests()).filter(line => line.includes('UploadCertificate  OK')).length
  const output = async (line: string) => (await debian.shell(line)).stdout
  const must = (line: string) => debian.must(line)
  const journal = () => output('journalctl -u certferry -o cat --no-pager')

  beforeAll(async () => {
    debian = await startDebian(await temporaryDirectory())
    expect((await debian.shell('command -v node || command -v nodejs')).stdout).toBe('')
  }, SLOW)

  afterAll(() => debian?.close())

  test.skipIf(!hasLintian)(
    'lintian has no error and no warning to tell of any of the packages',
    async () => {
      const folder = join(REPOSITORY, 'release')
      const names = (await readdir(folder)).filter(name => name.endsWith('.deb'))
      expect(names.length).toBeGreaterThan(0)
      const words = ['--allow-root', '--fail-on', 'warning,error', ...names.map(name => join(folder, name))]
      const { code, stdout } = await run('lintian', words, { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8' }, SLOW)
      expect([code, stdout]).toEqual([0, ''])
    },
    SLOW,
  )

  test(
    'the steps of the README lead to the ID of the renewed certificate in less than a minute',
    async () => {
      const since = Date.now()
      const lines = await steps()
      expect(lines.join('\n')).toMatch(/^apt install .*setup --yes.*certbot renew/s)
      for (const line of lines) await must(here(line))
      await eventually('two uploads', async () => idsIn(await journal()).length === 2)
      const took = Date.now() - since
      stderr.write(`  debian: from apt install to the ID of the renewal: ${(took / 1000).toFixed(1)} s\n`)
      expect(took).toBeLessThan(MINUTE)
      id = idsIn(await journal()).at(-1) ?? ''
      expect(await output('certferry status')).toContain(id)
      expect(await uploads()).toBe(2)
      expect((await debian.shell('certferry check')).code).toBe(0)
    },
    2 * MINUTE,
  )

  test(
    'an upgrade asks nothing, keeps receipts and configuration, restarts every daemon, and uploads nothing',
    async () => {
      await must("sed -i '1i # ours' /etc/certferry/config.toml")
      await must(SECOND)
      await eventually('the upload of the second account', async () => (await uploads()) === 3)
      const units = ['certferry', 'certferry@intl']
      const pids = () => Promise.all(units.map(unit => output(`systemctl show -P MainPID ${unit}`)))
      const before = await pids()
      await must('apt install /srv/packages/certferry_999_amd64.deb')
      await eventually('new daemons', async () =>
        (await pids()).every((now, i) => now !== before[i] && now.trim() !== '0'),
      )
      expect(await output('head -n 1 /etc/certferry/config.toml')).toBe('# ours\n')
      expect(await output('certferry status')).toContain(id)
      await must('certferry sync')
      expect(await uploads()).toBe(3)
    },
    2 * MINUTE,
  )

  test(
    'a removal stops every daemon and removes every hook; receipts and configuration stay for the next installation',
    async () => {
      await must(DEHYDRATED)
      for (const client of ['certbot', 'dehydrated']) await must(`certferry install-hook ${client}`)
      // a mistake in the configuration is no reason to leave a hook behind
      await must("sed -i '2i nonsense = 1' /etc/certferry/config.toml")
      await must('apt remove --yes certferry')
      await must('sed -i 2d /etc/certferry/config.toml')
      expect(await output('systemctl is-active certferry certferry@intl')).toBe('inactive\ninactive\n')
      expect(await output('ls /etc/letsencrypt/renewal-hooks/deploy /etc/dehydrated/conf.d')).not.toContain(
        'zz-certferry',
      )
      expect(await output('ls /etc/systemd/system/multi-user.target.wants')).not.toContain('certferry')
      await must('certbot renew')
      expect(await output('head -n 1 /etc/certferry/config.toml')).toBe('# ours\n')
      await must('apt install /srv/packages/certferry_999_amd64.deb')
      expect(await output('certferry status')).toContain(id)
      await must('systemctl start certferry')
      await eventually('another upload', async () => (await uploads()) === 4)
    },
    2 * MINUTE,
  )

  test(
    'a purge leaves the API key and nothing else',
    async () => {
      await must('apt purge --yes certferry')
      const left = await output(
        'find /etc /var /usr /lib /run /root -xdev -iname "*certferry*" -not -path "/var/lib/dpkg/*" -not -path "/var/log/*" -not -path "/var/cache/*"',
      )
      expect(left).toBe('')
      expect(await output('ls -A /etc/tencentcloud')).toBe('credentials\n')
      expect((await debian.shell('systemctl cat certferry')).code).not.toBe(0)
    },
    MINUTE,
  )

  test(
    'an upgrade from a package with a conffile keeps what the administrator wrote, and asks nothing',
    async () => {
      await must('apt install /srv/packages/certferry_0.0.1_amd64.deb')
      await must("echo '# ours' >> /etc/certferry/config.toml")
      await must('apt install /srv/packages/certferry_999_amd64.deb')
      expect(await output('cat /etc/certferry/config.toml')).toContain('# ours\n')
      expect(await output('ls -A /etc/certferry')).toBe('config.toml\n')
      await must('apt purge --yes certferry')
      expect((await debian.shell('ls -A /etc/certferry')).code).not.toBe(0)
    },
    MINUTE,
  )
})
