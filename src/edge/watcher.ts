/** Tells of changes in a source's folders: by events where there are some, by looking every few seconds elsewhere. */
import type { Source } from '../core/settings.ts'
import { type Subscription, subscribe, type WatchHandlers } from './hearing.ts'

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
  /** Milliseconds between two checks; `PULSE` where absent. */
  readonly pulse?: number
}

/** How often folders are checked for having been replaced, and polled sources are looked at. In milliseconds. */
const PULSE_MS = 5_000

export function createWatcher(source: Source, effects: WatcherDeps): Watcher {
  const { onChange, onPolling, onDeath, poll, compare, pulse = PULSE_MS } = effects
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
