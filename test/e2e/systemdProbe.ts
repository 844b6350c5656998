/** Runs in the sandbox of a unit and prints how each attempt ended: `done`, or the code of the error. */
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { env, kill, setuid, stdout } from 'node:process'

function attempt(work: () => unknown): string {
  try {
    work()
    return 'done'
  } catch (error) {
    const { code, info } = error as NodeJS.ErrnoException & { info?: { code?: string } }
    return info?.code ?? code ?? String(error)
  }
}

const state = env.STATE_DIRECTORY ?? 'none'
const write = (path: string) => attempt(() => writeFileSync(path, 'x'))
const read = (path: string) => attempt(() => readFileSync(path))
/** 0 for a program that succeeded. */
const exitOf = (file: string, ...words: readonly string[]) => spawnSync(file, words).status

/** 0 where the socket was made, otherwise errno; by Perl, because Node has three families only. */
const socket = (family: number, type: number) =>
  exitOf('perl', '-e', 'exit(socket(my $s, shift, shift, 0) ? 0 : $!)', String(family), String(type))

const status = Object.fromEntries(
  readFileSync('/proc/self/status', 'utf8')
    .split('\n')
    .map(line => line.split(/:\s+/)),
)

const found = {
  user: status.Uid.split('\t').map(Number),
  capabilities: Object.fromEntries(
    ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(name => [name, status[name]]),
  ),
  noNewPrivileges: status.NoNewPrivs,
  filtered: status.Seccomp,
  ownState: write(`${state}/probe`),
  writing: Object.fromEntries(
    [
      '/etc',
      '/usr',
      '/var/lib',
      '/var/log',
      '/srv',
      '/opt',
      '/run',
      '/etc/letsencrypt',
      '/root/.acme.sh',
      '/root',
    ].map(directory => [directory, write(`${directory}/probe`)]),
  ),
  reading: Object.fromEntries(
    [
      '/etc/letsencrypt/live/first/privkey.pem',
      '/root/.acme.sh/acme.example.com_ecc/acme.example.com.key',
      '/root/private',
      '/home/somebody/private',
      '/proc/1/status',
      '/proc/sys/kernel/hostname',
      '/dev/kmsg',
    ].map(path => [path, read(path)]),
  ),
  homes: [...readdirSync('/home'), ...readdirSync('/root')],
  /** All writable folders. */
  openFolders: spawnSync(
    'find',
    ['/', '-path', '/proc', '-prune', '-o', '-type', 'd', '-writable', '-print'],
    {
      encoding: 'utf8',
    },
  )
    .stdout.split('\n')
    .filter(Boolean),
  sockets: {
    inet: socket(2, 1),
    inet6: socket(10, 1),
    unix: socket(1, 1),
    netlink: socket(16, 3),
    packet: socket(17, 3),
    alg: socket(38, 5),
    vsock: socket(40, 1),
  },
  rawSocket: socket(2, 3),
  processes: readdirSync('/proc').filter(name => /^\d+$/.test(name)).length,
  coreDump: /^Max core file size +(\S+) +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.slice(1),
  becomingRoot: attempt(() => setuid?.(0)),
  signallingInit: attempt(() => kill(1, 0)),
  makingSetuid: attempt(() => chmodSync(`${state}/probe`, 0o4755)),
  newNamespace: exitOf('unshare', '--user', 'true'),
  mounting: exitOf('mount', '-t', 'tmpfs', 'probe', state),
  settingTheClock: exitOf('date', '--set', '@0'),
  namingTheHost: exitOf('hostname', 'probe'),
  makingADevice: exitOf('mknod', `${state}/null`, 'c', '1', '3'),
  setuidProgram: spawnSync('/opt/setuid-id', ['-u']).stdout?.toString().trim(),
}

stdout.write(`${JSON.stringify(found)}\n`)
