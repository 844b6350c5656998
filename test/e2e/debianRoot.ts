/** The files of a fresh Debian 12 with systemd, certbot and pebble, and without a Node: made once, kept, never written to. */
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { env } from 'node:process'
import { run, SYSTEM_PATH } from './child.ts'
import { whyNoContainer } from './container.ts'

const RELEASE = 'bookworm'
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'certbot', 'pebble', 'procps', 'libstdc++6', 'man-db']
/** Where one is kept between runs. */
const ROOT = env.CERTFERRY_E2E_DEBIAN || join(tmpdir(), `certferry-debian-${RELEASE}`)
/** Minutes; a mirror that is far away takes some. */
const PATIENCE = 15 * 60_000

export async function whyNoDebian(): Promise<string | undefined> {
  const why = await whyNoContainer()
  if (why || (await isThere(ROOT))) return why
  const found = await run('debootstrap', ['--version'], { PATH: SYSTEM_PATH }).catch(() => undefined)
  return found?.code === 0 ? undefined : 'there is no debootstrap'
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

/** The directory of the root; debootstrap makes it where there is none. */
export async function debianRoot(): Promise<string> {
  if (await isThere(ROOT)) return ROOT
  const growing = `${ROOT}.${process.pid}`
  await mkdir(dirname(growing), { recursive: true })
  const options = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, RELEASE, growing]
  const { code, stdout } = await run('debootstrap', options, { PATH: SYSTEM_PATH }, PATIENCE)
  if (code !== 0) {
    await rm(growing, { recursive: true, force: true })
    throw new Error(`debootstrap ended with ${code}:\n${stdout.slice(-2_000)}`)
  }
  // whole under its name or not at all: a run that was broken off leaves no half of a system behind
  await rename(growing, ROOT)
  return ROOT
}
