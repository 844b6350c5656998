/** Reports changes in a source's folders: by events, or by polling where there are none. */
import { type FSWatcher, watch } from 'chokidar'
import type { Source } from '../config/settings.ts'
import { silentAmong } from '../files/fileSystem.ts'
import type { LogEntry } from '../log/logger.ts'
import { COMPARE_INTERVAL_MS } from '../util/schedule.ts'
import { cachedSymlinks, directoryIdentity, type WatchScope, watchScopeOf } from './watchScope.ts'

const CHOKIDAR_OPTIONS = {
  followSymlinks: false,
  ignoreInitial: true,
  atomic: false,
  ignorePermissionErrors: true,
} as const

/** Limits of the machine on watches and open files: polling needs neither. */
const LIMITS = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

/** A path that leads nowhere, such as a link to itself, is a folder that is not there yet; chokidar ignores ENOENT itself. */
const IGNORED_ERRORS = new Set(['ELOOP', 'ENAMETOOLONG'])

export interface Watcher {
  /** Resolves when every later change is reported, or when it is closed before. */
  readonly ready: Promise<void>
  readonly close: () => Promise<void>
}

export interface WatcherDeps {
  /** A change somewhere in the source: of the lineage of that name, or of any. */
  readonly onChange: (name: string | undefined) => void
  /** Why a source has to be polled: an error code of inotify, or a file system's name. Called once for a source. */
  readonly onPolling: (why: string) => void
  /** Any other error of watching; the daemon ends, because it would miss changes. */
  readonly onDeath: (error: unknown) => void
  /** Called every few seconds where a source is polled. */
  readonly poll: () => Promise<void>
  /** As often where there are events. Resolves to whether it found a change that no event reported: folders are watched anew. */
  readonly compare: () => Promise<boolean>
  /** Milliseconds between two checks; COMPARE_INTERVAL_MS where absent. */
  readonly pulse?: number
}

export function createWatcher(source: Source, deps: WatcherDeps): Watcher {
  const { onChange, onPolling, onDeath, poll, compare, pulse = COMPARE_INTERVAL_MS } = deps
  const symlinks = cachedSymlinks()
  let watcher: FSWatcher | undefined
  /** Resolves when the present subscription ends: chokidar may never be ready then. */
  let ended = Promise.withResolvers<void>()
  /** Of the watched folders; empty once one of them has gone, for it may come back as another folder with the same inode. */
  let identity = ''
  let timer: NodeJS.Timeout | undefined
  let checking = false
  let polling = false
  let closed = false

  const open = async () => {
    const scope = await watchScopeOf(source, symlinks)
    identity = await directoryIdentity(scope)
    const silent = await silentAmong(scope.folders)
    if (closed) return
    if (silent) return fallBackToPolling(silent)
    const opened = listen(scope)
    watcher = opened
    await new Promise<void>(resolve => opened.once('ready', resolve))
  }
  const subscribe = async () => {
    if (closed) return
    ended = Promise.withResolvers()
    await Promise.race([open(), ended.promise])
  }
  const unsubscribe = async () => {
    ended.resolve()
    await watcher?.close()
  }
  const fallBackToPolling = async (why: string) => {
    if (polling || closed) return
    polling = true
    onPolling(why)
    await unsubscribe()
  }

  function listen({ folders, depth, lineageOf, isIgnored }: WatchScope): FSWatcher {
    const opened = watch([...folders], { ...CHOKIDAR_OPTIONS, depth })
    opened.on('all', (event, path) => {
      // chokidar 6 reports a folder that comes back, and nothing that happens in it
      if (event === 'unlinkDir' && folders.includes(path)) identity = ''
      if (isIgnored(path)) return
      const name = lineageOf(path)
      onChange(name)
      if (name === undefined) void checkOnce()
    })
    opened.on('error', error => {
      const { code = '' } = error as NodeJS.ErrnoException
      if (LIMITS.has(code)) fallBackToPolling(code).catch(onDeath)
      else if (!IGNORED_ERRORS.has(code)) onDeath(error)
    })
    return opened
  }

  /**
   * A folder that was moved away, restored, mounted over or turned into a link is another folder of the same name. And the
   * kernel drops events when too many wait to be read, without a word from Node; a link may lead to a file in a folder that
   * is not watched.
   */
  const check = async () => {
    if (polling) return poll()
    if (closed) return
    const isStale = (await directoryIdentity(await watchScopeOf(source, symlinks))) !== identity
    if (!isStale && !(await compare())) return
    await unsubscribe()
    await subscribe()
    if (isStale && !closed) onChange(undefined)
  }
  /** Never twice at once: a file system that hangs is asked once. Nor during the first opening. */
  const checkOnce = async () => {
    if (checking || !timer) return
    checking = true
    await check().catch(onDeath)
    checking = false
  }
  const begin = async () => {
    await subscribe()
    if (!closed) timer = setInterval(checkOnce, pulse)
  }
  return {
    ready: begin(),
    close: async () => {
      closed = true
      clearInterval(timer)
      await unsubscribe()
    },
  }
}

const OPEN_FILES =
  'Raise fs.inotify.max_user_instances (sysctl) or the limit of open files, and reload to have events again.'

const NO_WATCHES = 'the kernel allows this user no more watches'

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: NO_WATCHES,
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise fs.inotify.max_user_watches (sysctl) and reload to have events again.',
  EMFILE: OPEN_FILES,
  ENFILE: OPEN_FILES,
}

/** `why` is an error code of inotify or the name of a file system. */
export function pollingEntry(source: Source, why: string): LogEntry {
  const where = source.kind === 'pem' ? source.name : source.path
  const advice = ADVICE[why]
  return {
    level: advice ? 'warn' : 'info',
    fields: { event: 'polling_fallback', source: where, why, ...(advice && { advice }) },
    message: `${where} is read every five seconds, because ${REASONS[why] ?? `${why} tells of no changes`}`,
  }
}
