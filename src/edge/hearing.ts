/** Listens to a source's folders as they are when it begins: by events, where the file system has some. */
import { type FSWatcher, watch } from 'chokidar'
import type { Source } from '../core/settings.ts'
import { silentAmong } from './filesystem.ts'
import { cachedSymlinks, directoryIdentity, type WatchScope, watchScopeOf } from './view.ts'

export interface WatchHandlers {
  /** A change somewhere in the source: of the lineage of that name, or of any. */
  readonly onChange: (name: string | undefined) => void
  /** A limit of the machine is reached: its error code. */
  readonly onLimit: (code: string) => void
  readonly onDeath: (error: unknown) => void
}

export interface Subscription {
  /**
   * Resolves when every change from now on is heard of, which for a thousand folders takes some hundred milliseconds; to
   * the file system's name where none ever will be. At once when it is closed.
   */
  readonly ready: Promise<string | undefined>
  /** Whether the folders are others by now, though they may have the same names. */
  readonly isStale: () => Promise<boolean>
  readonly close: () => Promise<void>
}

const CHOKIDAR_OPTIONS = {
  followSymlinks: false,
  ignoreInitial: true,
  atomic: false,
  ignorePermissionErrors: true,
} as const

/** Limits of the machine on watches and open files: polling needs neither. */
const LIMITS = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

/** A path that leads nowhere, such as a link to itself, is a folder that is not there yet; chokidar bears ENOENT itself. */
const IGNORED_ERRORS = new Set(['ELOOP', 'ENAMETOOLONG'])

export function subscribe(source: Source, ears: WatchHandlers): Subscription {
  const names = cachedSymlinks()
  let watcher: FSWatcher | undefined
  let identity = ''
  let closed = false
  const over = Promise.withResolvers<undefined>()
  const onGone = () => {
    identity = ''
  }
  const open = async () => {
    const view = await watchScopeOf(source, names)
    identity = await directoryIdentity(view)
    const silent = await silentAmong(view.folders)
    if (silent || closed) return silent
    const opened = startListening(view, { ...ears, onGone })
    watcher = opened
    return new Promise<undefined>(resolve => opened.once('ready', () => resolve(undefined)))
  }
  return {
    ready: Promise.race([open(), over.promise]),
    isStale: async () => (await directoryIdentity(await watchScopeOf(source, names))) !== identity,
    close: async () => {
      closed = true
      over.resolve(undefined)
      await watcher?.close()
    },
  }
}

/** `onGone`: one of the folders themselves has gone; it may be back. */
function startListening(
  view: WatchScope,
  { onChange, onLimit, onDeath, onGone }: WatchHandlers & { readonly onGone: () => void },
) {
  const watcher = watch([...view.folders], { ...CHOKIDAR_OPTIONS, depth: view.depth })
  watcher.on('all', (event, path) => {
    // chokidar 6 welcomes a folder that comes back, and hears nothing of what happens in it; its inode is the same
    if (event === 'unlinkDir' && view.folders.includes(path)) onGone()
    if (!view.isIgnored(path)) onChange(view.lineageOf(path))
  })
  watcher.on('error', error => {
    const { code = '' } = error as NodeJS.ErrnoException
    if (LIMITS.has(code)) onLimit(code)
    else if (!IGNORED_ERRORS.has(code)) onDeath(error)
  })
  return watcher
}
