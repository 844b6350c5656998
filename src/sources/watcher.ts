/** Tells of changes in a source's folders: by events where there are some, by looking every few seconds elsewhere. */
import { type FSWatcher, watch } from 'chokidar'
import type { Source } from '../config/settings.ts'
import { silentAmong } from '../files/fileSystem.ts'
import type { LogEntry } from '../log/logger.ts'
import { COMPARE_INTERVAL_MS } from '../util/schedule.ts'
import { cachedSymlinks, directoryIdentity, type WatchScope, watchScopeOf } from './watchScope.ts'

interface WatchHandlers {
  /** A change somewhere in the source: of the lineage of that name, or of any. */
  readonly onChange: (name: string | undefined) => void
  /** A limit of the machine is reached: its error code. */
  readonly onLimit: (code: string) => void
  readonly onDeath: (error: unknown) => void
}

interface Subscription {
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

function subscribe(source: Source, ears: WatchHandlers): Subscription {
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

export interface Watcher {
  /** Resolves when every change from now on is heard of, or when it is closed before. */
  readonly ready: Promise<void>
  readonly close: () => Promise<void>
}

export interface WatcherDeps {
  readonly onChange: WatchHandlers['onChange']
  /** Why a source has to be polled: an error code of inotify, or a file system's name. Told once a source. */
  readonly onPolling: (why: string) => void
  /** Everything else that goes wrong with watching; the daemon ends, for it would be blind. */
  readonly onDeath: (error: unknown) => void
  /** Called every few seconds where a source is polled: the signatures of its lineages are compared. */
  readonly poll: () => Promise<void>
  /** As often where events are relied on. Resolves to whether it found what no event had told of: then folders are watched anew. */
  readonly compare: () => Promise<boolean>
  /** Milliseconds between two checks; COMPARE_INTERVAL_MS where absent. */
  readonly pulse?: number
}

export function createWatcher(source: Source, effects: WatcherDeps): Watcher {
  const { onChange, onPolling, onDeath, poll, compare, pulse = COMPARE_INTERVAL_MS } = effects
  let hearing: Subscription | undefined
  let checks: SetInterval | undefined
  let polling = false
  let closed = false

  const fallBack = async (why: string) => {
    if (polling || closed) return
    polling = true
    onPolling(why)
    await hearing?.close()
  }
  const ears: WatchHandlers = {
    onChange: name => {
      onChange(name)
      if (name === undefined) checks?.now()
    },
    onLimit: why => void fallBack(why).catch(onDeath),
    onDeath,
  }
  const listen = async () => {
    if (closed) return
    hearing = subscribe(source, ears)
    const silent = await hearing.ready
    if (silent) await fallBack(silent)
  }
  const listenAnew = async () => {
    await hearing?.close()
    await listen()
  }
  /**
   * A folder that was moved away, restored, mounted over or turned into a link is another folder of the same name. And
   * the kernel drops events when too many wait to be read, without a word from Node; a link may lead to a file in a folder
   * that is not watched.
   */
  const check = async () => {
    if (polling) return poll()
    if (closed) return
    if (await hearing?.isStale()) {
      await listenAnew()
      if (!closed) onChange(undefined)
    } else if (await compare()) await listenAnew()
  }
  const begin = async () => {
    await listen()
    // not before: a check during the first opening would open a second time beside it
    if (!closed) checks = setNonOverlappingInterval(pulse, () => check().catch(onDeath))
  }
  return {
    ready: begin(),
    close: async () => {
      closed = true
      checks?.stop()
      await hearing?.close()
    },
  }
}

interface SetInterval {
  readonly now: () => Promise<void>
  readonly stop: () => void
}

/** Never twice at once: a file system that hangs is asked no second time. */
function setNonOverlappingInterval(ms: number, act: () => Promise<void>): SetInterval {
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

const OPEN_FILES =
  'Raise fs.inotify.max_user_instances (sysctl) or the limit of open files, and reload to have events again.'

const MEND: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise fs.inotify.max_user_watches (sysctl) and reload to have events again.',
  EMFILE: OPEN_FILES,
  ENFILE: OPEN_FILES,
}

/** `why` is an error code of inotify or the name of a file system. */
export function pollingEntry(source: Source, why: string): LogEntry {
  const where = source.kind === 'pem' ? source.name : source.path
  const advice = MEND[why] ?? 'Nothing to do: changes are found within seconds all the same.'
  return {
    level: 'warn',
    fields: { event: 'polling_fallback', source: where, why, advice },
    message: `${where} is polled every five seconds instead of watched (${why})`,
  }
}
