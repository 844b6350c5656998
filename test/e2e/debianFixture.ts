/** A fresh Debian 12 that runs systemd: certbot has a certificate from a local ACME server, the service is local, certferry and Node are absent. */
import { access, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { env, execPath, geteuid } from 'node:process'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { type Ended, run, SYSTEM_PATH } from './child.ts'
import { bootContainer, type Container, eventually, whyNoContainer } from './container.ts'
import { REPOSITORY } from './systemdFixture.ts'

export const SUITE = 'bookworm'
const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' }
const SYSTEM = 'systemd,systemd-sysv,dbus,procps'
/** apt puts these in order; debootstrap alone cannot configure certbot's Python. */
const PROGRAMS = ['certbot', 'pebble']
const TIMEOUT_MS = 600_000

/** Why the test is skipped. */
export async function whyNoDebian(): Promise<string | undefined> {
  if (geteuid?.() !== 0) return 'root is needed'
  const found = await run('debootstrap', ['--version'], ENVIRONMENT).catch(() => undefined)
  if (found?.code !== 0) return 'there is no debootstrap'
  if (!(await mirror())) return `apt knows no mirror that has ${SUITE}`
  return whyNoContainer()
}

/** Where this machine itself gets its packages. */
export async function mirror(): Promise<string | undefined> {
  const format = ['--format', '$(CODENAME) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages']
  const targets = await run('apt-get', ['indextargets', ...format], ENVIRONMENT).catch(() => undefined)
  return targets?.stdout
    .split('\n')
    .find(line => line.startsWith(`${SUITE} main `))
    ?.split(' ')[2]
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function done(file: string, words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(file, words, ENVIRONMENT, TIMEOUT_MS)
  if (code !== 0)
    throw new Error(`${file} ${words.join(' ')}: exit ${code}\n${stdout.slice(-2_000)}${stderr}`)
}

/** Made once for a run, or an existing one that CERTFERRY_E2E_DEBIAN names. It is never written to: an overlay is laid over it. */
async function debianRoot(): Promise<string> {
  if (env.CERTFERRY_E2E_DEBIAN) return env.CERTFERRY_E2E_DEBIAN
  const made = join(env.CERTFERRY_E2E_SHARED ?? '', 'debian')
  if (await isThere(made)) return made
  const root = `${made}-unfinished`
  await done('debootstrap', ['--variant=minbase', `--include=${SYSTEM}`, SUITE, root, (await mirror()) ?? ''])
  await done('chroot', [root, 'apt-get', 'install', '--yes', '--no-install-recommends', ...PROGRAMS])
  // debootstrap's rule that nothing may be started, which no installed system has
  await rm(join(root, 'usr/sbin/policy-rc.d'), { force: true })
  await rename(root, made)
  return made
}

export interface Debian extends Container {
  /** A line of a shell, as root in a folder like this repository's after `npm run package`, with the key in it. */
  readonly shell: (line: string) => Promise<Ended>
  /** What it printed; where it failed that is thrown. */
  readonly must: (line: string) => Promise<string>
  /** Where the packages are, as seen from outside. */
  readonly packages: string
  /** What is written here is served in it, below `url`. */
  readonly served: { readonly folder: string; readonly url: string }
  /** Where a TLS handshake shows what the account's resources serve. */
  readonly edge: string
  /** Requests to the service, one line each. */
  readonly requests: () => Promise<readonly string[]>
}

/** The service's own address is out of reach. */
export const ENDPOINT = 'http://localhost:8181'
export const DOMAIN = 'shop.example.com'
/** certbot renews what has less than 30 days left: every plain `certbot renew` does. */
const TEN_DAYS = 864_000

const PEBBLE = {
  listenAddress: '127.0.0.1:14000',
  managementListenAddress: '127.0.0.1:15000',
  certificate: '/srv/pebble.pem',
  privateKey: '/srv/pebble.key',
  httpPort: 80,
  tlsPort: 443,
  ocspResponderURL: '',
  externalAccountBindingRequired: false,
  certificateValidityPeriod: TEN_DAYS,
}
const RESOLVER = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', '127.0.0.1:8053']
const UNUSED = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', '127.0.0.1:8055']
const PEBBLE_ENV = ['--setenv=PEBBLE_VA_NOSLEEP=1', '--setenv=PEBBLE_WFE_NONCEREJECT=0']

/** A CDN domain stands on the first certificate that is uploaded. The service's times are short: each is tried elsewhere. */
const ACCOUNT = {
  resources: [{ type: 'cdn', domains: [DOMAIN], certId: `first:${DOMAIN}` }],
  traps: {
    ...{ scanSeconds: 1, recordHiddenSeconds: 1, workingSeconds: 1, edgeLagSeconds: 1 },
    ...{ switchFromSeconds: 2, switchToSeconds: 3, surveyColdSeconds: 2, surveyCachedSeconds: 1 },
  },
}

const KEY_FILE = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`

/** What the administrator has before certferry is installed. */
async function writeOverlay(overlay: string): Promise<void> {
  const write = async (path: string, text: string, mode = 0o644) => {
    const file = join(overlay, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { mode })
  }
  const pebble = await issue({ names: ['localhost', '127.0.0.1'] })
  await write('srv/pebble.json', JSON.stringify({ pebble: PEBBLE }))
  await write('srv/pebble.pem', pebble.chain)
  await write('srv/pebble.key', pebble.key, 0o600)
  await write('usr/local/share/ca-certificates/pebble.crt', pebble.root)
  await write('srv/account.json', JSON.stringify(ACCOUNT))
  await write('etc/hosts', '127.0.0.1 localhost\n')
  await write('srv/checkout/key.ini', KEY_FILE, 0o600)
  // else `certbot renew` waits up to eight minutes where no terminal is
  await write('etc/letsencrypt/cli.ini', 'max-log-backups = 0\nno-random-sleep-on-renew = true\n')
  // the timer's renewal would be one too many
  await mkdir(join(overlay, 'etc/systemd/system'), { recursive: true })
  await symlink('/dev/null', join(overlay, 'etc/systemd/system/certbot.timer'))
}

/** As `npm run package` leaves it, which is done here where it has not been. */
export async function release(): Promise<string> {
  const folder = join(REPOSITORY, 'release')
  if (await isThere(join(folder, 'SHA256SUMS'))) return folder
  const { code, stderr } = await run(execPath, ['packaging/release.ts'], { ...process.env } as never, 600_000)
  if (code !== 0) throw new Error(`npm run package: exit ${code}\n${stderr}`)
  return folder
}

export async function version(): Promise<string> {
  return JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')).version
}

/**
 * The package as it was made; one of the next version with another example, to upgrade to; and one as they were before 0.1.0,
 * with the configuration as a conffile.
 */
async function writePackages(folder: string, made: string): Promise<void> {
  const name = `certferry_${await version()}_amd64.deb`
  const script = `set -eu
cp "$1/$2" "$3/$2"
dpkg-deb -R "$3/$2" "$3/next"
sed -i 's/^Version: .*/Version: 999/' "$3/next/DEBIAN/control"
echo '# new' >> "$3/next/usr/share/doc/certferry/config/certferry.example.toml"
dpkg-deb --root-owner-group -Znone -b "$3/next" "$3/certferry_999_amd64.deb"
sed -i 's/^Version: .*/Version: 0.0.1/' "$3/next/DEBIAN/control"
echo '# comments alone' > "$3/next/etc/certferry/config.toml"
echo /etc/certferry/config.toml > "$3/next/DEBIAN/conffiles"
dpkg-deb --root-owner-group -Znone -b "$3/next" "$3/certferry_0.0.1_amd64.deb"
rm -r "$3/next"`
  const { code, stderr } = await run('sh', ['-c', script, 'lay', made, name, folder], {
    PATH: '/usr/bin:/bin',
  })
  if (code !== 0) throw new Error(stderr)
}

export async function startDebian(directory: string): Promise<Debian> {
  const overlay = join(directory, 'overlay')
  const made = await release()
  await writeOverlay(overlay)
  const packages = join(directory, 'packages')
  const folder = join(directory, 'apt')
  for (const one of [packages, folder]) await mkdir(one)
  await writePackages(packages, made)
  const root = await debianRoot()
  const container = await bootContainer({
    directory,
    overlay,
    root,
    binds: [
      `--bind-ro=${made}:/srv/checkout/release`,
      `--bind-ro=${packages}:/srv/packages`,
      `--bind-ro=${folder}:/srv/apt`,
    ],
  })
  const shell = (line: string) =>
    container.run('sh', '-c', `cd /srv/checkout && export HOME=/root && ${line}`)
  const must = async (line: string) => {
    const { code, stdout, stderr } = await shell(line)
    if (code !== 0) throw new Error(`${line}: exit ${code}\n${stdout}${stderr}`)
    return stdout
  }
  const journal = async (unit: string) =>
    (await shell(`journalctl --unit ${unit} --output cat --no-pager`)).stdout
  const background = (unit: string, ...words: readonly string[]) =>
    container.run('systemd-run', `--unit=${unit}`, ...PEBBLE_ENV, ...words)
  await shell('update-ca-certificates')
  await background('names', 'pebble-challtestsrv', ...RESOLVER, ...UNUSED)
  await background('pebble', 'pebble', '-config', '/srv/pebble.json', '-dnsserver', '127.0.0.1:8053')
  const emulator = ['/srv/checkout/release/certferry', 'emulator', '--port', '8181']
  await background('service', ...emulator, '--resources', '/srv/account.json')
  const edge = await eventually(
    'the local service',
    async () => /^TLS edge on (\S+)/m.exec(await journal('service'))?.[1],
  )
  const account = '--server https://localhost:14000/dir --agree-tos --register-unsafely-without-email'
  await eventually('a certificate', async () => {
    const { code } = await shell(`certbot certonly --standalone --non-interactive ${account} -d ${DOMAIN}`)
    return code === 0
  })
  const requests = async () => (await journal('service')).split('\n').filter(line => /Certificate/.test(line))
  await background(
    'apt',
    'python3',
    '-um',
    'http.server',
    '--bind',
    '127.0.0.1',
    '--directory',
    '/srv/apt',
    '0',
  )
  const url = await eventually(
    'the web server',
    async () => /http:\/\/[\d.:]+/.exec(await journal('apt'))?.[0],
  )
  return { ...container, shell, must, requests, packages, edge, served: { folder, url } }
}
