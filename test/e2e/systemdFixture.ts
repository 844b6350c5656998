/** A container with a real systemd, on which certferry is installed and an emulator runs; and what tests need of it. */
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stderr } from 'node:process'
import { fileURLToPath } from 'node:url'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { acmeIssue, all, certbotIssue } from '../fixtures/producers.ts'
import { bootContainer, type Container, eventually, whyNoContainer } from './container.ts'

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const UNITS = '/etc/systemd/system'

/** By name, because the sandbox has to allow a lookup. */
export const CONFIG = '[tencent]\nendpoint = "http://localhost:8181"\n'
const SECOND = `${CONFIG}[[source]]\nkind = "pem"\nname = "second"\nchain = "/srv/chain.pem"\nkey = "/srv/key.pem"\n`
const CREDENTIALS = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`

/** The unit's own minute is too long for a test. */
const SHORT_WATCHDOG = '[Service]\nWatchdogSec=3\n'

/** The unit's sandbox around systemdProbe.ts, which reports what it was able to do. */
const PROBE = `[Service]
Type=oneshot
ExecStart=
ExecStart=/opt/certferry/node_modules/.bin/node /opt/probe.ts
StandardOutput=truncate:/run/%n.json
Restart=no
RestartForceExitStatus=
WatchdogSec=0
`

/** certbot's unit, in which a test decides how it ends. */
const CERTBOT = '[Service]\nType=oneshot\nExecStart=/bin/sh -c "exit $$(cat /run/certbot-code)"\n'

const HIDDEN = ['systemd-networkd-wait-online.service', 'NetworkManager-wait-online.service', 'timers.target']

type Write = (path: string, text: string, mode?: number) => Promise<void>

const writerInto =
  (overlay: string): Write =>
  async (path, text, mode = 0o644) => {
    const file = join(overlay, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    await chmod(file, mode)
  }

const shipped = (name: string) => readFile(join(REPOSITORY, 'systemd', name), 'utf8')

async function installUnits(write: Write): Promise<void> {
  const unit = await shipped('certferry.service')
  const group = await shipped('certferry.service.d/group.conf')
  for (const name of [
    'certferry.service',
    'certferry@.service',
    'certferry-sync.service',
    'certferry-sync.timer',
  ])
    await write(`${UNITS}/${name}`, await shipped(name))
  await write(`${UNITS}/certferry.service.d/test.conf`, SHORT_WATCHDOG)
  await write(`${UNITS}/certbot.service`, CERTBOT)
  await write(`${UNITS}/certbot.service.d/certferry.conf`, await shipped('certbot.service.d/certferry.conf'))
  await write(`${UNITS}/probe.service`, unit)
  await write(`${UNITS}/probe.service.d/probe.conf`, PROBE)
  await write(`${UNITS}/probe-group.service`, unit)
  await write(`${UNITS}/probe-group.service.d/group.conf`, group)
  await write(`${UNITS}/probe-group.service.d/probe.conf`, PROBE)
}

/** The files that are laid over those of this machine. */
export async function writeOverlay(overlay: string): Promise<void> {
  const write = writerInto(overlay)
  const link = async (target: string, path: string) => {
    await mkdir(dirname(join(overlay, path)), { recursive: true })
    await symlink(target, join(overlay, path))
  }
  await installUnits(write)
  for (const name of HIDDEN) await link('/dev/null', `${UNITS}/${name}`)
  await link('/opt/certferry/dist/certferry', '/usr/local/bin/certferry')
  await write('/opt/probe.ts', await readFile(join(import.meta.dirname, 'systemdProbe.ts'), 'utf8'))
  await copyFile('/usr/bin/id', join(overlay, 'opt/setuid-id'))
  await chmod(join(overlay, 'opt/setuid-id'), 0o4755)
  await write('/etc/hosts', '127.0.0.1 localhost\n')
  await write('/etc/certferry/config.toml', CONFIG)
  await write('/etc/certferry/second.toml', SECOND)
  await write('/etc/certferry/second.credentials', CREDENTIALS, 0o600)
  await write('/etc/tencentcloud/credentials', CREDENTIALS, 0o600)
  for (const home of ['/home/somebody', '/root']) await write(`${home}/private`, 'not for certferry\n', 0o600)
  await chmod(join(overlay, 'root'), 0o700)
  const second = await issue({ names: ['second.example.com'] })
  await write('/srv/chain.pem', second.chain)
  await write('/srv/key.pem', second.key, 0o600)
  const acme = await issue({ names: ['acme.example.com'] })
  await all(acmeIssue(join(overlay, 'root/.acme.sh'), 'acme.example.com', acme))
}

export interface Machine extends Container {
  /** The folder that is /etc/letsencrypt in the container, with one certificate, `first`. */
  readonly letsencrypt: string
  readonly issue: (name: string) => Promise<void>
  readonly write: (path: string, text: string) => Promise<void>
  /** @throws with the journal where systemctl fails. */
  readonly systemctl: (...words: readonly string[]) => Promise<void>
  /** Properties of a unit, as `systemctl show` has them. */
  readonly show: (unit: string) => Promise<Readonly<Record<string, string>>>
  readonly journal: (unit: string) => Promise<string>
  /** Resolves when that many certificates have been uploaded in all. @throws when there are more. */
  readonly uploaded: (count: number) => Promise<void>
}

/** Why the units cannot be tried here. Printed: a skipped test is easily taken for a passed one. */
export const why = await whyNoContainer()
if (why) stderr.write(`systemd: the units are not tried on a real systemd, ${why}\n`)

/** Printed for the figures in the documentation. */
export const report = (what: string, since: number) =>
  stderr.write(`  systemd: ${what} after ${((Date.now() - since) / 1000).toFixed(2)} s\n`)

export async function startMachine(directory: string): Promise<Machine> {
  const since = Date.now()
  const overlay = join(directory, 'overlay')
  const letsencrypt = join(directory, 'letsencrypt')
  await writeOverlay(overlay)
  await mkdir(letsencrypt, { mode: 0o700 })
  const program = ['dist', 'node_modules', 'package.json'].map(
    name => `--bind-ro=${REPOSITORY}${name}:/opt/certferry/${name}`,
  )
  const binds = [`--bind=${letsencrypt}:/etc/letsencrypt`, ...program]
  const machine = {
    ...commandsOf(await bootContainer({ directory, overlay, binds }), letsencrypt),
    letsencrypt,
  }
  report('the machine was up', since)
  // this machine's own, seen through the overlay: systemd could not move it aside there
  await machine.run('rm', '-rf', '/var/lib/certferry')
  await machine.issue('first')
  await machine.run('systemd-run', '--unit=emulator', 'certferry', 'emulator', '--port', '8181')
  await eventually('the emulator', async () => /^http/m.test(await machine.journal('emulator')))
  return machine
}

function commandsOf(container: Container, letsencrypt: string): Omit<Machine, 'letsencrypt'> {
  const { run } = container
  const journal = async (unit: string) =>
    (await run('journalctl', '--unit', unit, '--output', 'cat', '--no-pager')).stdout
  const uploads = async () => (await journal('emulator')).split('UploadCertificate  OK').length - 1
  return {
    ...container,
    journal,
    issue: async name =>
      all(certbotIssue(letsencrypt, name, await issue({ names: [`${name}.example.com`] }))),
    write: async (path, text) => {
      await run('sh', '-c', 'printf %s "$2" > "$1"', 'write', path, text)
    },
    systemctl: async (...words) => {
      const { code, stderr } = await run('systemctl', ...words)
      if (code === 0) return
      const all = await run('journalctl', '--lines', '50', '--output', 'cat', '--no-pager')
      throw new Error(`systemctl ${words.join(' ')}: exit ${code}\n${stderr}${all.stdout}`)
    },
    show: async unit => {
      const lines = (await run('systemctl', 'show', unit)).stdout.split('\n')
      return Object.fromEntries(lines.map(line => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []))
    },
    uploaded: async count => {
      await eventually(`${count} uploads`, async () => (await uploads()) >= count)
      if ((await uploads()) > count)
        throw new Error(`more than ${count} uploads:\n${await journal('emulator')}`)
    },
  }
}
