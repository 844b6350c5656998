/** The runtime, the configuration, the notifications, the state directory and the kernel's limits for watching. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import type { Source } from '../config/settings.ts'
import { listenAddress } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { silentAmong } from '../files/fileSystem.ts'
import type { User } from '../files/permissions.ts'
import { probeDirectory, type WriteProbe } from '../files/writeProbe.ts'
import { channelsOf } from '../notify/channels.ts'
import { pollingEntry } from '../sources/watcher.ts'
import { type WatchScope, watchScopeOf } from '../sources/watchScope.ts'
import { countText, quoteShell } from '../terminal/text.ts'
import { HTTP_REQUEST_TIMEOUT_MS } from '../util/schedule.ts'
import { type Finding, failure, ok, skipped, warning } from './finding.ts'
import type { CheckContext } from './run.ts'

export async function runtime({ context, machine }: CheckContext): Promise<readonly Finding[]> {
  const { node, main } = context.program
  const { name, uid } = machine.user()
  // one that npx fetched, or that is in another project, is not
  const isBeside = main !== undefined && node.startsWith(join(dirname(main), '../node_modules/'))
  const where = isBeside ? 'installed beside certferry' : main === undefined ? `in ${node}` : node
  const user = uid === 0 ? name : `${name} (uid ${uid})`
  return [ok('runtime', `Node ${context.nodeVersion}, ${where}; running as ${user}`)]
}

export async function configuration({ configuration }: CheckContext): Promise<readonly Finding[]> {
  const { file, complaints } = configuration
  if (!complaints.length) return [ok('configuration', file ?? 'no file: environment, options and defaults')]
  return complaints.map(({ text, line, advice, code = 'CONFIG_INVALID' }) => {
    const fault = new Fault(code, text, advice === undefined ? {} : { advice })
    return line === undefined || file === undefined
      ? failure('configuration', fault)
      : failure('configuration', fault, { command: `sudo editor +${line} ${quoteShell(file)}` })
  })
}

export async function notifications({ app, context }: CheckContext): Promise<readonly Finding[]> {
  const channels = channelsOf(app.settings, context)
  if (!channels.length) return [skipped('notify', 'no channel is configured in [notify]')]
  return Promise.all(
    channels.map(async ({ kind, name, file, problem: find }) => {
      const problem = await find()
      if (problem === undefined) return ok('notify', name)
      return failure('notify', new Fault('NOTIFICATION_FAILED', `${kind}: ${problem}`), {
        advice: 'Correct it, then send a sample with `certferry notify --test`.',
        command: `ls -l ${quoteShell(file)}`,
      })
    }),
  )
}

/** Whether the daemon answers where [http] listen says. */
export async function httpServer({ app }: CheckContext): Promise<readonly Finding[]> {
  const { httpListen: listen } = app.settings
  if (listen === undefined) return []
  const address = listenAddress(listen)
  const where = 'path' in address ? { socketPath: address.path } : address
  const answer = await new Promise<string>(resolve => {
    const asked = request(
      { ...where, path: '/live', timeout: HTTP_REQUEST_TIMEOUT_MS, agent: false },
      reply =>
        reply
          .setEncoding('utf8')
          .once('data', resolve)
          .once('end', () => resolve('nothing')),
    )
    asked.on('timeout', () => asked.destroy())
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'no answer'))
    asked.end()
  })
  if (answer === 'live\n') return [ok('http', `the daemon answers on ${listen}`)]
  const nobody = answer === 'ECONNREFUSED' || answer === 'ENOENT'
  if (nobody) return [skipped('http', `nothing answers on ${listen}; the daemon does when it runs`)]
  return [
    warning('http', `what answers on ${listen} is not the daemon`, {
      advice: 'Set another address in [http] listen, or stop the program that uses this one.',
      command: 'ss -ltnp',
    }),
  ]
}

/** The state directory is examined and left as it is. */
export async function state({ app, machine }: CheckContext): Promise<readonly Finding[]> {
  const { settings, receipts } = app
  const dir = settings.stateDir
  const probe = await probeDirectory(dir)
  if (probe.refusal !== undefined) return [unwritable(dir, probe, machine.user())]
  if (!probe.there) return [ok('state', `${dir} will be created by the first upload`)]
  const known = (await receipts.all()).length
  const says = `${dir}, ${countText(known, 'certificate')} recorded`
  const [unreadable, ...more] = receipts.unreadable()
  if (unreadable === undefined) return [ok('state', says)]
  const others = more.length ? ` and ${more.length} more` : ''
  return [
    warning('state', `${says}; ${unreadable}${others} cannot be read`, {
      advice:
        'The next upload renames it and gets the same certificate ID. If this happens again, check the disk.',
    }),
  ]
}

function unwritable(dir: string, { refusal, nearest, there }: WriteProbe, { name, uid }: User): Finding {
  const where = there ? dir : `${dir}, to be created in ${nearest}`
  const fault = new Fault('STATE_DIR_UNUSABLE', `${where}: ${name} cannot write there (${refusal})`)
  if (refusal === 'ENOSPC' || refusal === 'EDQUOT')
    return failure('state', fault, {
      advice: 'Free space on its disk, or choose another directory with --state-dir.',
      command: `df -h ${quoteShell(nearest)}`,
    })
  const isDenied = refusal === 'EACCES' && uid !== 0
  if (isDenied)
    return failure('state', fault, {
      advice: 'Run the check as root, or name a directory that this user may write with --state-dir.',
      command: 'sudo certferry check',
    })
  return failure('state', fault, { advice: fault.advice, command: `findmnt -T ${quoteShell(nearest)}` })
}

/** The inotify limits of this machine, and how much of them this user's processes have in use, a daemon included. */
interface WatchBudget {
  readonly limits: InotifyCounts
  readonly used: InotifyCounts
}

interface InotifyCounts {
  readonly watches: number
  readonly instances: number
}

/** The daemon has one instance. */
export function budgetFinding(needed: number, { limits, used }: WatchBudget): Finding {
  const folders = countText(needed, 'folder')
  if (needed + used.watches > limits.watches) {
    const free = Math.max(0, limits.watches - used.watches)
    return warning(
      'watching',
      `${folders} to watch, and the kernel lets this user watch ${free} more: the rest is read every five seconds`,
      { advice: 'To allow more:', command: raiseCommand('max_user_watches', needed + used.watches) },
    )
  }
  if (1 + used.instances > limits.instances)
    return warning(
      'watching',
      `all ${limits.instances} inotify instances of this user are in use: ${folders} are read every five seconds`,
      { advice: 'To allow more:', command: raiseCommand('max_user_instances', 1 + used.instances) },
    )
  return ok('watching', `changes in ${folders} are noticed at once`)
}

/** Twice what is needed, for the next certificates, as a power of two; kept across restarts. */
const raiseCommand = (name: string, needed: number) =>
  `echo fs.inotify.${name}=${2 ** Math.ceil(Math.log2(2 * needed))} | sudo tee /etc/sysctl.d/60-certferry.conf && sudo sysctl --system`

/** A limit that the kernel does not show is Infinity. Processes that this user may not read are not counted. */
export async function watchBudget(uid: number): Promise<WatchBudget> {
  // the machine's limit, and that of the user namespace: the smaller counts
  const [watches, instances] = await Promise.all(
    ['watches', 'instances'].map(async what => {
      const machine = limitIn(`/proc/sys/fs/inotify/max_user_${what}`)
      return Math.min(await machine, await limitIn(`/proc/sys/user/max_inotify_${what}`))
    }),
  )
  const limits = { watches: watches ?? 0, instances: instances ?? 0 }
  return { limits, used: await inotifyInUse(uid) }
}

const limitIn = (file: string) => readFile(file, 'utf8').then(Number, () => Number.POSITIVE_INFINITY)

async function inotifyInUse(uid: number): Promise<InotifyCounts> {
  const used = { watches: 0, instances: 0 }
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const owner = await stat(`/proc/${pid}`).catch(() => undefined)
    if (owner?.uid !== uid) continue
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      if (target !== 'anon_inode:inotify') continue
      const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '')
      used.instances += 1
      used.watches += info.match(/^inotify wd:/gm)?.length ?? 0
    }
  }
  return used
}

/** The folders that chokidar watches: the given ones and, to this depth, those in them. */
export async function watchesNeeded({
  folders,
  depth,
}: Pick<WatchScope, 'folders' | 'depth'>): Promise<number> {
  let count = folders.length
  if (depth === 0) return count
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const below = entries.filter(entry => entry.isDirectory()).map(({ name }) => join(folder, name))
    count += await watchesNeeded({ folders: below, depth: depth - 1 })
  }
  return count
}

export async function watching({ sources, machine }: CheckContext): Promise<readonly Finding[]> {
  const polled: Finding[] = []
  const scopes: WatchScope[] = []
  for (const source of sources) {
    const scope = await watchScopeOf(source)
    const fileSystem = await silentAmong(scope.folders)
    if (fileSystem === undefined) scopes.push(scope)
    else polled.push(pollingFinding(source, fileSystem))
  }
  if (!scopes.length) return polled
  const needed = (await Promise.all(scopes.map(watchesNeeded))).reduce((sum, count) => sum + count, 0)
  return [...polled, budgetFinding(needed, await watchBudget(machine.user().uid))]
}

/** As the daemon logs it. */
function pollingFinding(source: Source, fileSystem: string): Finding {
  const { message, fields } = pollingEntry(source, fileSystem)
  return typeof fields.advice === 'string'
    ? warning('watching', message, { advice: fields.advice })
    : ok('watching', message)
}
