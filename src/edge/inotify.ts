/** What the kernel allows this user to watch, and how much of it is in use. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { WatchBudget } from '../core/watchBudget.ts'
import type { WatchScope } from './view.ts'

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
