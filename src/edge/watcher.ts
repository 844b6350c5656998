/** Tells of changes in a source's folders: by events where there are some, by looking every few seconds elsewhere. */
import { type FSWatcher, watch } from 'chokidar'
import type { Source } from '../core/settings.ts'
import { silentFileSystem } from './filesystem.ts'
import { identityOf, type View, viewOf } from './view.ts'

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
  /** Milliseconds between two checks; `PULSE` where absent. */
  readonly pulse?: number
}

/** How often folders are checked for having been replaced, and polled sources are looked at. In milliseconds. */
const PULSE = 5_000

const HABITS = {
  followSymlinks: false,
  ignoreInitial: true,
  atomic: false,
  ignorePermissionErrors: true,
} as const

/** Limits of the machine on watches and open files: polling needs neither. */
const LIMITS = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

export async function openWatcher(source: Source, effects: WatcherEffects): Promise<Watcher> {
  let watcher: FSWatcher | undefined
  let identity = ''
  let checks: Every | undefined
  let polling = false
  let closed = false
  const over = Promise.withResolvers<void>()

  const fallBack = async (why: string) => {
    if (polling || closed) return
    polling = true
    over.resolve()
    effects.onPolling(why)
    await watcher?.close()
  }
  /** Resolves when every change from now on is heard of: a thousand folders take some hundred milliseconds. */
  const open = async () => {
    const view = await viewOf(source)
    identity = await identityOf(view)
    const silent = (await Promise.all(view.folders.map(silentFileSystem))).find(Boolean)
    if (silent) return fallBack(silent)
    if (closed) return
    const opened = listening(view, {
      onChange: name => {
        effects.onChange(name)
        if (name === undefined) checks?.now()
      },
      onGone: () => {
        identity = ''
      },
      onError: error =>
        LIMITS.has(error.code ?? '')
          ? void fallBack(`${error.code}`).catch(effects.onDeath)
          : effects.onDeath(error),
    })
    watcher = opened
    await Promise.race([new Promise<void>(resolve => opened.once('ready', resolve)), over.promise])
  }
  /** A folder that was moved away, restored, mounted over or turned into a link is another folder of the same name. */
  const pulse = async () => {
    if (polling) return effects.poll()
    if (closed || (await identityOf(await viewOf(source))) === identity) return
    await watcher?.close()
    await open()
    if (!closed) effects.onChange(undefined)
  }
  await open()
  // not before: a check during the first opening would open a second time beside it
  checks = every(effects.pulse ?? PULSE, () => pulse().catch(effects.onDeath))
  return {
    close: async () => {
      closed = true
      checks?.stop()
      over.resolve()
      await watcher?.close()
    },
  }
}

interface Ears {
  readonly onChange: OnChange
  /** One of the folders themselves has gone; it may be back. */
  readonly onGone: () => void
  readonly onError: (error: NodeJS.ErrnoException) => void
}

function listening(view: View, { onChange, onGone, onError }: Ears): FSWatcher {
  const watcher = watch([...view.folders], { ...HABITS, depth: view.depth })
  watcher.on('all', (event, path) => {
    // chokidar 6 welcomes a folder that comes back, and hears nothing of what happens in it; its inode is the same
    if (event === 'unlinkDir' && view.folders.includes(path)) onGone()
    onChange(view.nameIn(path))
  })
  watcher.on('error', error => onError(error as NodeJS.ErrnoException))
  return watcher
}

interface Every {
  readonly now: () => Promise<void>
  readonly stop: () => void
}

/** Never twice at once: a file system that hangs is asked no second time. */
function every(ms: number, act: () => Promise<void>): Every {
  let acting = false
  const now = async () => {
    if (acting) return
    acting = true
    await act()
    acting = false
  }
  const timer = setInterval(now, ms)
  return { now, stop: () => clearInterval(timer) }
}
