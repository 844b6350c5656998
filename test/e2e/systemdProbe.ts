/** Runs in the unit's place, in its sandbox, and prints how each attempt ended: `done`, or the error's code. */
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
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
/** 0 for a program that did what it was asked. */
const exitOf = (file: string, ...words: readonly string[]) => spawnSync(file, words).status

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
  netlink: attempt(networkInterfaces),
  becomingRoot: attempt(() => setuid?.(0)),
  signallingInit: attempt(() => kill(1, 0)),
  makingSetuid: attempt(() => chmodSync(`${state}/probe`, 0o4755)),
  newNamespace: exitOf('unshare', '--user', 'true'),
  mounting: exitOf('mount', '-t', 'tmpfs', 'probe', state),
  settingTheClock: exitOf('date', '--set', '@0'),
  setuidProgram: spawnSync('/opt/setuid-id', ['-u']).stdout?.toString().trim(),
}

stdout.write(`${JSON.stringify(found)}\n`)
