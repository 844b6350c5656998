/** What a machine needs on its disk to run certferry as the documents say: units, credentials, certificates. */
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { acmeIssue, all } from '../fixtures/producers.ts'

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const UNITS = '/etc/systemd/system'

/** By name, for the sandbox must leave a way to look one up. */
export const CONFIG = '[tencent]\nendpoint = "http://localhost:8181"\n'
const SECOND = `${CONFIG}[[source]]\nkind = "pem"\nname = "second"\nchain = "/srv/chain.pem"\nkey = "/srv/key.pem"\n`
const CREDENTIALS = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`

/** Long enough to start, short enough to wait for: the unit's own minute is the test's too. */
const IMPATIENT = '[Service]\nWatchdogSec=3\n'

/** The unit's sandbox around another program, which says what it was able to do. */
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

type Put = (path: string, text: string, mode?: number) => Promise<void>

const putInto =
  (overlay: string): Put =>
  async (path, text, mode = 0o644) => {
    const file = join(overlay, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    await chmod(file, mode)
  }

const shipped = (name: string) => readFile(join(REPOSITORY, 'systemd', name), 'utf8')

async function installUnits(put: Put): Promise<void> {
  const unit = await shipped('certferry.service')
  const group = await shipped('certferry.service.d/group.conf')
  for (const name of [
    'certferry.service',
    'certferry@.service',
    'certferry-sync.service',
    'certferry-sync.timer',
  ])
    await put(`${UNITS}/${name}`, await shipped(name))
  await put(`${UNITS}/certferry.service.d/test.conf`, IMPATIENT)
  await put(`${UNITS}/certbot.service`, CERTBOT)
  await put(`${UNITS}/certbot.service.d/certferry.conf`, await shipped('certbot.service.d/certferry.conf'))
  await put(`${UNITS}/probe.service`, unit)
  await put(`${UNITS}/probe.service.d/probe.conf`, PROBE)
  await put(`${UNITS}/probe-group.service`, unit)
  await put(`${UNITS}/probe-group.service.d/group.conf`, group)
  await put(`${UNITS}/probe-group.service.d/probe.conf`, PROBE)
}

/** The tree that is laid over this machine's. */
export async function furnish(overlay: string): Promise<void> {
  const put = putInto(overlay)
  const link = async (target: string, path: string) => {
    await mkdir(dirname(join(overlay, path)), { recursive: true })
    await symlink(target, join(overlay, path))
  }
  await installUnits(put)
  for (const name of HIDDEN) await link('/dev/null', `${UNITS}/${name}`)
  await link('/opt/certferry/dist/certferry', '/usr/local/bin/certferry')
  await put('/opt/probe.ts', await readFile(join(import.meta.dirname, 'systemdProbe.ts'), 'utf8'))
  await copyFile('/usr/bin/id', join(overlay, 'opt/setuid-id'))
  await chmod(join(overlay, 'opt/setuid-id'), 0o4755)
  await put('/etc/hosts', '127.0.0.1 localhost\n')
  await put('/etc/certferry/config.toml', CONFIG)
  await put('/etc/certferry/second.toml', SECOND)
  await put('/etc/certferry/second.credentials', CREDENTIALS, 0o600)
  await put('/etc/tencentcloud/credentials', CREDENTIALS, 0o600)
  for (const home of ['/home/somebody', '/root']) await put(`${home}/private`, 'not for certferry\n', 0o600)
  await chmod(join(overlay, 'root'), 0o700)
  const second = await issue({ names: ['second.example.com'] })
  await put('/srv/chain.pem', second.chain)
  await put('/srv/key.pem', second.key, 0o600)
  const acme = await issue({ names: ['acme.example.com'] })
  await all(acmeIssue(join(overlay, 'root/.acme.sh'), 'acme.example.com', acme))
}
