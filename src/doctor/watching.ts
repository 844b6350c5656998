/** What the kernel allows this user to watch, and how much of it is in use. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Source } from '../config/settings.ts'
import { silentAmong } from '../files/fileSystem.ts'
import { pollingEntry } from '../sources/watcher.ts'
import { type WatchScope, watchScopeOf } from '../sources/watchScope.ts'
import { type Finding, ok, warning } from './finding.ts'
import type { CheckContext } from './run.ts'

interface Amounts {
  readonly watches: number
  readonly instances: number
}

interface WatchBudget {
  readonly limits: Amounts
  /** By this user's processes, this daemon's among them where it runs as the same user. */
  readonly used: Amounts
}

/** All of the daemon's watches are one instance. */
const INSTANCES = 1

export function budgetFinding(needed: number, { limits, used }: WatchBudget): Finding {
  const words = `${count(needed, 'watch', 'watches')} needed; this user has ${used.watches} of ${limits.watches} in use`
  if (needed + used.watches > limits.watches)
    return warning('watching', `${words}: the rest is polled every five seconds`, {
      command: raising('max_user_watches', needed + used.watches),
    })
  if (INSTANCES + used.instances > limits.instances)
    return warning(
      'watching',
      `all ${limits.instances} inotify instances of this user are in use: sources are polled every five seconds`,
      { command: raising('max_user_instances', INSTANCES + used.instances) },
    )
  return ok(
    'watching',
    Number.isFinite(limits.watches) ? words : `${count(needed, 'watch', 'watches')} needed`,
  )
}

const count = (number: number, one: string, more: string) => `${number} ${number === 1 ? one : more}`

/** Twice what is needed, as a power of two: the next certificates find room as well. Kept across restarts. */
const raising = (name: string, needed: number) =>
  `echo fs.inotify.${name}=${2 ** Math.ceil(Math.log2(2 * needed))} | sudo tee /etc/sysctl.d/60-certferry.conf && sudo sysctl --system`

/** The machine's limit, and that of the user namespace this runs in: the smaller counts. */
const LIMITS = {
  watches: ['/proc/sys/fs/inotify/max_user_watches', '/proc/sys/user/max_inotify_watches'],
  instances: ['/proc/sys/fs/inotify/max_user_instances', '/proc/sys/user/max_inotify_instances'],
} as const

/** Limits are Infinity where the kernel tells none. Of processes that hide from this user nothing is counted. */
export async function watchBudget(uid: number): Promise<WatchBudget> {
  const [watches, instances, used] = await Promise.all([
    smallest(LIMITS.watches),
    smallest(LIMITS.instances),
    inUse(uid),
  ])
  return { limits: { watches, instances }, used }
}

const smallest = async (files: readonly string[]) =>
  Math.min(
    ...(await Promise.all(
      files.map(file =>
        readFile(file, 'utf8').then(
          text => Number(text),
          () => Number.POSITIVE_INFINITY,
        ),
      ),
    )),
  )

async function inUse(uid: number): Promise<WatchBudget['used']> {
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

/** Folders that chokidar watches for this view: those named, and where it looks deeper those in them. */
export async function watchesNeeded({
  folders,
  depth,
}: Pick<WatchScope, 'folders' | 'depth'>): Promise<number> {
  const counts = folders.map(async folder => {
    if (depth === 0) return 1
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const below = entries.filter(entry => entry.isDirectory()).map(({ name }) => join(folder, name))
    return 1 + (await watchesNeeded({ folders: below, depth: depth - 1 }))
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

export async function watching({ sources, machine }: CheckContext): Promise<readonly Finding[]> {
  const seen = await Promise.all(sources.map(looked))
  const polled = seen.flatMap(({ source, silent }) => (silent ? [polling(source, silent)] : []))
  const heard = seen.filter(({ silent }) => !silent)
  if (!heard.length) return polled
  const needed = heard.reduce((sum, { needed }) => sum + needed, 0)
  return [...polled, budgetFinding(needed, await watchBudget(machine.user().uid))]
}

async function looked(source: Source) {
  const view = await watchScopeOf(source)
  const silent = await silentAmong(view.folders)
  return { source, silent, needed: silent ? 0 : await watchesNeeded(view) }
}

/** In the daemon's own words. */
function polling(source: Source, why: string): Finding {
  const { message, fields } = pollingEntry(source, why)
  return warning('watching', message, { advice: String(fields.advice) })
}
