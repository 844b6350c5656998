/** A fresh Debian 12, as its installer would leave a small server: systemd, certbot, and a pebble to renew from. No Node. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { env, geteuid } from 'node:process'
import { run, SYSTEM_PATH } from './child.ts'
import { whyNoContainer } from './container.ts'

const SUITE = 'bookworm'
const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' }
const SYSTEM = 'systemd,systemd-sysv,dbus,procps'
/** apt puts these in order; debootstrap alone cannot configure certbot's Python. */
const PROGRAMS = ['certbot', 'pebble']
const PATIENCE = 600_000

/** Said where the test is skipped. */
export async function whyNoDebian(): Promise<string | undefined> {
  if (geteuid?.() !== 0) return 'root is needed'
  const found = await run('debootstrap', ['--version'], ENVIRONMENT).catch(() => undefined)
  if (found?.code !== 0) return 'there is no debootstrap'
  if (!(await mirror())) return `apt knows no mirror that has ${SUITE}`
  return whyNoContainer()
}

/** Where this machine itself gets its packages. */
async function mirror(): Promise<string | undefined> {
  const format = ['--format', '$(CODENAME) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages']
  const targets = await run('apt-get', ['indextargets', ...format], ENVIRONMENT).catch(() => undefined)
  return targets?.stdout
    .split('\n')
    .find(line => line.startsWith(`${SUITE} main `))
    ?.split(' ')[2]
}

async function done(file: string, words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(file, words, ENVIRONMENT, PATIENCE)
  if (code !== 0)
    throw new Error(`${file} ${words.join(' ')}: exit ${code}\n${stdout.slice(-2_000)}${stderr}`)
}

/** In `directory`, or where CERTFERRY_E2E_DEBIAN says that one is already. It is laid under an overlay, never written to. */
export async function debianRoot(directory: string): Promise<string> {
  if (env.CERTFERRY_E2E_DEBIAN) return env.CERTFERRY_E2E_DEBIAN
  const root = join(directory, 'debian')
  await done('debootstrap', ['--variant=minbase', `--include=${SYSTEM}`, SUITE, root, (await mirror()) ?? ''])
  await done('chroot', [root, 'apt-get', 'install', '--yes', '--no-install-recommends', ...PROGRAMS])
  // debootstrap's word that nothing may be started, which no installed system has
  await rm(join(root, 'usr/sbin/policy-rc.d'), { force: true })
  return root
}
