/** Tells of changes in a source's folders: by events where there are some, by looking every few seconds elsewhere. */
import { realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import { LAYOUTS } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import { silentFileSystem } from './filesystem.ts'

/** A change somewhere in a source: of the lineage of that name, or of any. */
export type OnChange = (name: string | undefined) => void

/** Why a source has to be polled: an error code of inotify, or a file system's name. Told once a source. */
export type OnPolling = (why: string) => void

export interface Watcher {
  readonly close: () => Promise<void>
}

export interface WatcherEffects {
  readonly onChange: OnChange
  readonly onPolling: OnPolling
  /** Everything else that goes wrong with watching; the daemon ends, for it would be blind. */
  readonly onDeath: (error: unknown) => void
  /** Called every few seconds where a source is polled: the signatures of its lineages are compared. */
  readonly poll: () => Promise<void>
}

/** How often folders are checked for having been replaced, and polled sources are looked at. In milliseconds. */
const PULSE = 5_000

/** Limits of the machine on watches and open files: polling needs neither. */
const LIMITS = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

export async function openWatcher(source: Source, effects: WatcherEffects): Promise<Watcher> {
  const { folders, depth, nameIn } = await viewOf(source)
  let watcher: FSWatcher | undefined
  let polling = false
  let closed = false

  const fallBack = async (why: string) => {
    if (polling) return
    polling = true
    effects.onPolling(why)
    await watcher?.close()
    watcher = undefined
  }
  const open = () => {
    watcher = watch([...folders], {
      followSymlinks: false,
      ignoreInitial: true,
      atomic: false,
      depth,
      ignorePermissionErrors: true,
    })
    watcher.on('all', (_event, path) => effects.onChange(nameIn(path)))
    watcher.on('error', error => {
      const { code = '' } = error as NodeJS.ErrnoException
      if (LIMITS.has(code)) fallBack(code).catch(effects.onDeath)
      else effects.onDeath(error)
    })
  }
  let identity = await identityOf(folders)
  const silent = (await Promise.all(folders.map(silentFileSystem))).find(Boolean)
  if (silent) await fallBack(silent)
  else open()

  /** A folder that was moved away, restored, mounted over or turned into a link is another folder of the same name. */
  const pulse = async () => {
    if (polling) return effects.poll()
    const now = await identityOf(folders)
    if (now === identity || closed) return
    identity = now
    await watcher?.close()
    if (closed || polling) return
    open()
    effects.onChange(undefined)
  }
  const timer = setInterval(() => void pulse().catch(effects.onDeath), PULSE)
  return {
    close: async () => {
      closed = true
      clearInterval(timer)
      await watcher?.close()
    },
  }
}

interface View {
  readonly folders: readonly string[]
  readonly depth: number
  /** The lineage a path belongs to, undefined for the source as a whole. */
  readonly nameIn: (path: string) => string | undefined
}

/** Folders, never single files: a link that is swapped makes no event of its own where the link itself is watched. */
async function viewOf(source: Source): Promise<View> {
  if (source.kind !== 'pem') {
    const folder = join(source.path, LAYOUTS[source.kind].folder)
    return { folders: [folder], depth: 1, nameIn: path => relative(folder, path).split(sep)[0] || undefined }
  }
  const files = [source.chain, ...(source.key === undefined ? [] : [source.key])]
  const targets = await Promise.all(files.map(file => realpath(file).catch(() => file)))
  const folders = [...new Set([...files, ...targets].map(file => dirname(file)))]
  return { folders, depth: 0, nameIn: () => source.name }
}

const identityOf = async (folders: readonly string[]): Promise<string> => {
  const parts = folders.map(folder =>
    stat(folder).then(
      ({ dev, ino }) => `${dev}:${ino}`,
      () => 'none',
    ),
  )
  return (await Promise.all(parts)).join(' ')
}
