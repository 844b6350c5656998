/**
 * A container with a real systemd: systemd-nspawn over an overlay of this machine, with no network but loopback. Its mounts
 * are in a namespace of its own and vanish with it; no file of this machine is written to.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { env, geteuid } from 'node:process'
import { type Ended, type Running, run, SYSTEM_PATH, start } from './child.ts'

export interface Container {
  readonly run: (...words: readonly string[]) => Promise<Ended>
  /** What goes before a program of this machine that is to be on the container's loopback. */
  readonly network: readonly string[]
  readonly close: () => Promise<void>
}

interface ContainerOptions {
  /** An empty directory to work in. */
  readonly directory: string
  /** A tree that is laid over this machine's own files. */
  readonly overlay: string
  /** Directories of this machine, as `--bind=FROM:TO` or `--bind-ro=FROM:TO`. */
  readonly binds: readonly string[]
  /** Another root to lay the tree over than this machine's own. */
  readonly root?: string
}

const ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8' }

/** Why the tests are skipped; undefined where they can run. */
export async function whyNoContainer(): Promise<string | undefined> {
  if (geteuid?.() !== 0) return 'root is needed'
  for (const tool of ['systemd-nspawn', 'unshare', 'nsenter']) {
    const found = await run(tool, ['--version'], ENVIRONMENT).catch(() => undefined)
    if (found?.code !== 0) return `there is no ${tool} (Debian: systemd-container)`
  }
  const mount = await run('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'try', '/mnt'], ENVIRONMENT)
  return mount.code === 0 ? undefined : `mounting is not permitted here: ${mount.stderr.trim()}`
}

/** Another root than this machine's own tries another systemd: one that debootstrap made, for instance. */
const LOWER = env.CERTFERRY_E2E_ROOT || '/'

/** On a machine without systemd nspawn is given no control group, and two would share one. */
const GROUPS = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup']

const BOOT = `
echo $$ > "$1.pid"
if [ ! -d /run/systemd/system ]; then
  set -- "$@" --keep-unit
  for group in ${GROUPS.join(' ')}; do
    [ -w "$group/cgroup.procs" ] || continue
    mkdir "$group/$3"
    echo $$ > "$group/$3/cgroup.procs"
  done
fi
mount -t tmpfs -o mode=0755 certferry "$1"
mkdir "$1/upper" "$1/work" "$1/root"
cp -a "$2/." "$1/upper"
chmod 0755 "$1/upper"
mount -t overlay -o "lowerdir=$LOWER,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
root=$1/root; shift 3
exec systemd-nspawn -D "$root" "$@" --boot -- --unit=basic.target
`

const NSPAWN = ['--register=no', '--private-network', '--private-users=no', '--settings=no']
const QUIET = ['--console=pipe', '--link-journal=no', '--quiet']

export async function bootContainer({
  directory,
  overlay,
  binds,
  root = LOWER,
}: ContainerOptions): Promise<Container> {
  const mountPoint = join(directory, 'mount')
  const group = basename(directory)
  await mkdir(mountPoint)
  const words = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-euc',
    BOOT,
    'boot',
    mountPoint,
    overlay,
    group,
  ]
  const machine = start('unshare', [...words, ...NSPAWN, ...QUIET, ...binds], {
    ...ENVIRONMENT,
    LOWER: root,
  })
  const inside = async (...command: readonly string[]) =>
    run('nsenter', ['-t', await init, '-a', '--', ...command], ENVIRONMENT)
  const init = eventually('a first process', () => firstProcess(machine, mountPoint))
  const close = async () => {
    await inside('systemctl', 'poweroff').catch(() => undefined)
    await eventually('the end', async () => machine.ended()).finally(machine.end)
    await removeGroup(group)
  }
  try {
    const state = async () => (await inside('systemctl', 'is-system-running')).stdout
    await eventually('systemd', async () => /running|degraded/.test(await state()))
    return { run: inside, network: ['nsenter', '-t', await init, '-n', '--'], close }
  } catch (error) {
    await machine.end()
    await removeGroup(group)
    throw new Error(`the container did not start:\n${machine.said()}`, { cause: error })
  }
}

async function removeGroup(name: string): Promise<void> {
  const groups = GROUPS.map(group => join(group, name))
  await run('find', [...groups, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'], ENVIRONMENT)
}

/** As this machine numbers it: the child of nspawn that is number 1 where it lives. */
async function firstProcess({ ended }: Running, mountPoint: string): Promise<string | undefined> {
  if (ended()) throw new Error('systemd-nspawn ended')
  const text = (path: string) => readFile(path, 'utf8').catch(() => '')
  const pid = (await text(`${mountPoint}.pid`)).trim()
  const children = await text(`/proc/${pid}/task/${pid}/children`)
  for (const child of children.split(' ').filter(Boolean)) {
    const status = await text(`/proc/${child}/status`)
    if (/^NSpid:\s+\d+\s+1$/m.test(status) && /^Name:\s+systemd$/m.test(status)) return child
  }
  return undefined
}

const PAUSE = 50
const TIMEOUT_MS = 60_000

/** Repeats `look` until it returns a value. @throws when it does not for a minute. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`waited ${TIMEOUT_MS / 1000} s for ${what}`)
    await new Promise(resolve => setTimeout(resolve, PAUSE))
  }
}
