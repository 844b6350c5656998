/** Names and their times, the earliest first: a binary heap that knows the place of each name. Pure. */

export interface DueTimes {
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
