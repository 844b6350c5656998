/** Who sleeps until when: the next to wake comes first, and of two that wake together the one that lay down first. A heap. */

export interface Sleeper {
  readonly at: number
  readonly wake: () => void
  /** Somebody else has woken it: it is passed over. */
  gone?: boolean
}

export interface Sleepers {
  readonly add: (sleeper: Sleeper) => void
  /** Takes out the next one to wake. */
  readonly next: () => Sleeper | undefined
}

interface Bed {
  readonly sleeper: Sleeper
  readonly number: number
}

const before = (a: Bed, b: Bed) =>
  a.sleeper.at < b.sleeper.at || (a.sleeper.at === b.sleeper.at && a.number < b.number)

export function openSleepers(): Sleepers {
  const beds: Bed[] = []
  let count = 0

  const rise = (from: number) => {
    for (let at = from; at > 0; ) {
      const up = (at - 1) >> 1
      if (!swapped(beds, at, up)) return
      at = up
    }
  }
  const sink = () => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const [a, b] = [beds[left], beds[right]]
      const down = a && b && before(b, a) ? right : left
      if (!swapped(beds, down, at)) return
      at = down
    }
  }
  const take = () => {
    const first = beds[0]
    const last = beds.pop()
    if (last && beds.length) {
      beds[0] = last
      sink()
    }
    return first?.sleeper
  }
  return {
    add: sleeper => {
      beds.push({ sleeper, number: count++ })
      rise(beds.length - 1)
    },
    next: () => {
      for (;;) {
        const first = take()
        if (!first?.gone) return first
      }
    },
  }
}

/** Puts the lower bed above the upper one where it wakes before it. */
function swapped(beds: Bed[], low: number, high: number): boolean {
  const [a, b] = [beds[low], beds[high]]
  if (!a || !b || !before(a, b)) return false
  beds[low] = b
  beds[high] = a
  return true
}
