/**
 * What the daemon has to look at, and when. Touches nothing: times are arguments, in milliseconds of any one clock.
 *
 * A nudge carries no data: it only makes a lineage due. However many arrive, one look follows; one that arrives while
 * a look is under way earns another, because what it tells of may have come after the files were read.
 */
import type { Outcome } from '../upload/outcome.ts'

interface DueTimes {
  /** Gives a name a time, in place of the one it may have; Infinity takes it out. */
  readonly set: (name: string, at: number) => void
  /** The time of a name; Infinity where it has none. */
  readonly at: (name: string) => number
  /** The earliest time; Infinity where there is none. */
  readonly next: () => number
  /** Takes out those whose time has come, the earliest first, at most so many. */
  readonly take: (now: number, most?: number) => readonly string[]
  readonly names: () => Iterable<string>
}

interface Entry {
  readonly name: string
  readonly at: number
  /** Of equal times, the one that was given first comes first. */
  readonly order: number
}

const NO_TIME = Number.POSITIVE_INFINITY

const isEarlier = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order)

const earlierOf = (a: Entry | undefined, b: Entry | undefined) => (a && b && isEarlier(b, a) ? b : a)

export function createDueTimes(): DueTimes {
  /** The entry at a place comes before those at twice that place plus 1 and plus 2. */
  const heap: Entry[] = []
  const places = new Map<string, number>()
  let order = 0

  const put = (entry: Entry, place: number) => {
    heap[place] = entry
    places.set(entry.name, place)
  }
  /** Changes places with whoever stands wrongly above or below a free place, until the entry stands rightly. */
  const settle = (entry: Entry, place: number): void => {
    const above = heap[(place - 1) >> 1]
    const below = earlierOf(heap[2 * place + 1], heap[2 * place + 2])
    const wrong =
      above && isEarlier(entry, above) ? above : below && isEarlier(below, entry) ? below : undefined
    const free = wrong && places.get(wrong.name)
    put(wrong ?? entry, place)
    if (free !== undefined) settle(entry, free)
  }
  const remove = (name: string) => {
    const place = places.get(name)
    if (place === undefined) return
    places.delete(name)
    const last = heap.pop()
    if (last && last.name !== name) settle(last, place)
  }
  return {
    set: (name, at) => {
      remove(name)
      if (at < NO_TIME) settle({ name, at, order: order++ }, heap.length)
    },
    at: name => heap[places.get(name) ?? -1]?.at ?? NO_TIME,
    next: () => heap[0]?.at ?? NO_TIME,
    take: (now, most = NO_TIME) => {
      const taken: string[] = []
      while (taken.length < most && heap[0] && heap[0].at <= now) {
        taken.push(heap[0].name)
        remove(heap[0].name)
      }
      return taken
    },
    names: () => places.keys(),
  }
}

/** How a look ended, as far as the next one goes; `until` is for what has to wait that long. */
export type JobResult = 'done' | 'mid-change' | { readonly until: number }

interface Job {
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

export interface WorkQueueDeps {
  /** One look; never rejects. `last` when what it finds is to be believed. */
  readonly look: (id: string, last: boolean) => Promise<JobResult>
  /** A lineage has been mid-change for so long that a person should know; called once. */
  readonly onLongPending: (id: string) => void
  /** A look has ended, and counts. */
  readonly onLooked?: () => void
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number
  /** Calls back after so many milliseconds, unless it is called off before. */
  readonly setTimer: (ms: number, ring: () => void) => () => void
}

export interface WorkQueue {
  readonly enqueue: (ids: Iterable<string>) => void
  /** Forgets every lineage but these. */
  readonly retain: (ids: ReadonlySet<string>) => void
  /** How many lineages are mid-change. */
  readonly pending: () => number
  /** Begins no more looks; resolves when those under way have ended. */
  readonly stop: () => Promise<void>
}

/** Looks under way at once: more than requests ever are, so that reading never holds up sending. */
const WIDTH = 256

export function createWorkQueue({
  look,
  onLongPending,
  onLooked,
  now,
  setTimer: alarm,
}: WorkQueueDeps): WorkQueue {
  const agenda = createJobs()
  const under = new Set<Promise<void>>()
  let stopped = false
  let callOff = () => {}

  const visit = async ({ id, last }: Job) => {
    const ending = await look(id, last)
    agenda.finish(id, ending, now())
    onLooked?.()
  }

  const turn = () => {
    callOff()
    if (stopped) return
    for (const id of agenda.takeStale(now())) onLongPending(id)
    for (const begun of agenda.start(now(), WIDTH - under.size)) {
      const visiting = visit(begun).finally(() => {
        under.delete(visiting)
        turn()
      })
      under.add(visiting)
    }
    const next = agenda.nextTime()
    if (under.size < WIDTH && next < Number.POSITIVE_INFINITY)
      callOff = alarm(Math.max(0, next - now()), turn)
  }

  return {
    enqueue: ids => {
      for (const id of ids) agenda.enqueue(id, now())
      turn()
    },
    retain: agenda.keep,
    pending: agenda.pending,
    stop: async () => {
      stopped = true
      callOff()
      await Promise.all(under)
    },
  }
}

/** `done` where only a nudge or a sweep will change anything; `mid-change` where the next seconds will. */
type Requeue = 'done' | 'mid-change' | { readonly at: number }

/** Of files that cannot be read, and of an ID that could not be recorded, no receipt names a time, and no event tells when that is mended. */
const UNREADABLE_OUTCOMES = 60_000

/** Of an upload that failed the receipt names the next attempt: another look finds it there, and waits. */
const RECORDED_OUTCOMES = 1_000

/** `restsUntil`: while the account is at fault, until when uploads rest. */
export function requeueAfter(outcome: Outcome, now: number, restsUntil: number | undefined): Requeue {
  switch (outcome.outcome) {
    case 'waiting':
      return { at: outcome.until.getTime() }
    case 'refused':
      // a clock that is slow, or an authority that signs for tomorrow: nothing on disk will tell when it has come
      return outcome.because === 'not-yet-valid' && outcome.bundle
        ? { at: outcome.bundle.notBefore.getTime() }
        : 'done'
    case 'failed':
      if (outcome.fault.retry === 'recheck') return 'mid-change'
      if (outcome.fault.scope === 'account') return { at: restsUntil ?? now + UNREADABLE_OUTCOMES }
      if (outcome.fault.code === 'UPLOAD_NOT_RECORDED') return { at: now + UNREADABLE_OUTCOMES }
      if (outcome.fault.retry !== 'backoff') return 'done'
      return { at: now + (outcome.bundle ? RECORDED_OUTCOMES : UNREADABLE_OUTCOMES) }
    default:
      return 'done'
  }
}
