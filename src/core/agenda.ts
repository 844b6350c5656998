/**
 * What the daemon has to look at, and when. Touches nothing: times are arguments, in milliseconds of any one clock.
 *
 * A nudge carries no data: it only makes a lineage due. However many arrive, one look follows; one that arrives while
 * a look is under way earns another, because what it tells of may have come after the files were read.
 */

interface Item {
  /** When to look; Infinity where nothing but a nudge or a sweep will change anything. */
  readonly dueAt: number
  readonly looking: boolean
  readonly nudged: boolean
  /** Looks in a row that found the files mid-change. */
  readonly looks: number
  /** Since when the files have been mid-change. */
  readonly pendingSince: number | undefined
  /** A person has been told that it takes long. */
  readonly told: boolean
  /** It left the disk during the look: unless it comes back before the end, the look ends in nothing. */
  readonly gone: boolean
}

/** How a look ended, as far as the next one goes; `until` is for what has to wait that long. */
export type Ending = 'done' | 'mid-change' | { readonly until: number }

export interface Agenda {
  /** Look at this lineage, now or as soon as the look under way has ended. */
  readonly nudge: (id: string, now: number) => void
  readonly due: (now: number) => readonly string[]
  /** When something is due next, or somebody is to be told; Infinity for never. */
  readonly nextTime: () => number
  /** A look begins. True when it is the last of its row: what it finds is believed. */
  readonly begin: (id: string) => boolean
  readonly end: (id: string, ending: Ending, now: number) => void
  /** Lineages that have been pending for long; each is named once. */
  readonly takeLongPending: (now: number) => readonly string[]
  readonly pending: () => readonly string[]
  readonly looking: () => number
  /** Forgets what is no longer on disk. A look under way ends in nothing. */
  readonly keep: (ids: ReadonlySet<string>) => void
}

/** Pauses between looks at a lineage that is mid-change. After the last only a nudge or a sweep helps. */
const PAUSES = [250, 500, 1_000, 2_000, 4_000] as const

/**
 * The events of one renewal come within some milliseconds (certbot's four links: 1 to 5 ms). A look that begins with the
 * first of them would meet the rest in its second reading, and have to begin again.
 */
const BURST = 15

/** A renewal that is still not whole after this long is a matter for a person. */
const LONG_PENDING = 600_000

const NEVER = Number.POSITIVE_INFINITY
const NEW: Item = {
  dueAt: NEVER,
  looking: false,
  nudged: false,
  looks: 0,
  pendingSince: undefined,
  told: false,
  gone: false,
}

export function openAgenda(): Agenda {
  const items = new Map<string, Item>()
  const change = (id: string, to: Partial<Item>) => items.set(id, { ...(items.get(id) ?? NEW), ...to })
  const ids = (test: (item: Item) => boolean) => [...items].flatMap(([id, item]) => (test(item) ? [id] : []))
  return {
    nudge: (id, now) => {
      const { looking, dueAt } = items.get(id) ?? NEW
      change(id, looking ? { nudged: true, gone: false } : { dueAt: Math.min(dueAt, now + BURST), looks: 0 })
    },
    due: now => ids(item => !item.looking && item.dueAt <= now),
    nextTime: () => [...items.values()].reduce((soonest, item) => Math.min(soonest, timeOf(item)), NEVER),
    begin: id => {
      change(id, { looking: true, nudged: false, dueAt: NEVER })
      return (items.get(id)?.looks ?? 0) >= PAUSES.length
    },
    end: (id, ending, now) => {
      const item = items.get(id)
      if (item?.gone) items.delete(id)
      else if (item?.looking) items.set(id, ended(item, ending, now))
    },
    takeLongPending: now => {
      const long = ids(item => tellingAt(item) <= now)
      for (const id of long) change(id, { told: true })
      return long
    },
    pending: () => ids(item => item.pendingSince !== undefined),
    looking: () => ids(item => item.looking).length,
    keep: known => {
      for (const id of ids(() => true).filter(id => !known.has(id))) {
        // a look under way is not forgotten: what comes back meanwhile must not be looked at twice at once
        if (items.get(id)?.looking) items.set(id, { ...NEW, looking: true, gone: true })
        else items.delete(id)
      }
    },
  }
}

const timeOf = (item: Item) => Math.min(item.looking ? NEVER : item.dueAt, tellingAt(item))

const tellingAt = ({ pendingSince, told }: Item) =>
  pendingSince === undefined || told ? NEVER : pendingSince + LONG_PENDING

function ended({ nudged, looks, pendingSince, told }: Item, ending: Ending, now: number): Item {
  if (ending !== 'mid-change') {
    return { ...NEW, dueAt: nudged ? now : ending === 'done' ? NEVER : ending.until }
  }
  const since = { ...NEW, told, pendingSince: pendingSince ?? now }
  if (nudged) return { ...since, dueAt: now }
  return { ...since, dueAt: now + (PAUSES[looks] ?? NEVER), looks: looks + 1 }
}
