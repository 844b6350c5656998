/**
 * What the daemon has to look at, and when. Touches nothing: times are arguments, in milliseconds of any one clock.
 *
 * A nudge carries no data: it only makes a lineage due. However many arrive, one look follows; one that arrives while
 * a look is under way earns another, because what it tells of may have come after the files were read.
 */
import { createDueTimes } from './timetable.ts'

/** How a look ended, as far as the next one goes; `until` is for what has to wait that long. */
export type JobResult = 'done' | 'mid-change' | { readonly until: number }

export interface Job {
  readonly id: string
  /** The last of its row: what it finds is believed. */
  readonly last: boolean
}

export interface Jobs {
  /** Look at this lineage, now or as soon as the look under way has ended. */
  readonly enqueue: (id: string, now: number) => void
  /** The looks that begin now, at most so many: those that have waited longest. Each has to end. */
  readonly start: (now: number, most: number) => readonly Job[]
  readonly finish: (id: string, ending: JobResult, now: number) => void
  /** When something is due next, or somebody is to be told; Infinity for never. */
  readonly nextTime: () => number
  /** Lineages that have been pending for long; each is named once. */
  readonly takeStale: (now: number) => readonly string[]
  readonly pending: () => number
  readonly looking: () => number
  /** Forgets what is no longer on disk. A look under way ends in nothing. */
  readonly keep: (ids: ReadonlySet<string>) => void
}

/** Pauses between looks at a lineage that is mid-change. */
const RECHECK_DELAYS_MS = [250, 500, 1_000, 2_000, 4_000] as const

/**
 * After those, once: by then files that nobody has written are at rest, and what does not fit is a mistake and no renewal.
 * After it only a nudge or a sweep helps.
 */
const AT_REST = 61_000

/**
 * The events of one renewal come within some milliseconds (certbot's four links: 1 to 5 ms). A look that begins with the
 * first of them would meet the rest in its second reading, and have to begin again.
 */
const DEBOUNCE_MS = 15

/** A renewal that is still not whole after this long is a matter for a person. */
const STALE_AFTER_MS = 600_000

const NEVER = Number.POSITIVE_INFINITY

/** What has come up during a look: a nudge, or that the lineage has left the disk. */
type DuringJob = 'nothing' | 'nudged' | 'gone'

export function createJobs(): Jobs {
  const due = createDueTimes()
  /** When a person is to be told of a lineage that is mid-change. */
  const telling = createDueTimes()
  /** Lineages that are mid-change, with the looks in a row that found them so. */
  const row = new Map<string, number>()
  const looking = new Map<string, DuringJob>()

  const settle = (id: string) => {
    row.delete(id)
    telling.set(id, NEVER)
  }
  const endMidChange = (id: string, nudged: boolean, now: number) => {
    if (!row.has(id)) telling.set(id, now + STALE_AFTER_MS)
    const looks = nudged ? 0 : (row.get(id) ?? 0)
    due.set(
      id,
      nudged
        ? now
        : now + (RECHECK_DELAYS_MS[looks] ?? (looks === RECHECK_DELAYS_MS.length ? AT_REST : NEVER)),
    )
    row.set(id, nudged ? 0 : looks + 1)
  }
  const forget = (id: string) => {
    settle(id)
    due.set(id, NEVER)
    // a look under way is not forgotten: what comes back meanwhile must not be looked at twice at once
    if (looking.has(id)) looking.set(id, 'gone')
  }
  return {
    enqueue: (id, now) => {
      if (looking.has(id)) return void looking.set(id, 'nudged')
      if (row.has(id)) row.set(id, 0)
      if (now + DEBOUNCE_MS < due.at(id)) due.set(id, now + DEBOUNCE_MS)
    },
    start: (now, most) =>
      due.take(now, most).map(id => {
        looking.set(id, 'nothing')
        return { id, last: (row.get(id) ?? 0) >= RECHECK_DELAYS_MS.length }
      }),
    finish: (id, ending, now) => {
      const meanwhile = looking.get(id)
      looking.delete(id)
      if (meanwhile === undefined || meanwhile === 'gone') return
      if (ending === 'mid-change') return endMidChange(id, meanwhile === 'nudged', now)
      settle(id)
      due.set(id, meanwhile === 'nudged' ? now : ending === 'done' ? NEVER : ending.until)
    },
    nextTime: () => Math.min(due.next(), telling.next()),
    takeStale: now => telling.take(now),
    pending: () => row.size,
    looking: () => looking.size,
    keep: known => {
      for (const id of [...due.names(), ...row.keys(), ...looking.keys()]) if (!known.has(id)) forget(id)
    },
  }
}
