/** The demonstration's clock, for both sides of it: made to run faster, it lets the service's minutes pass in seconds. */
import type { ProcessContext } from '../processContext.ts'

export interface DemoClock extends Pick<ProcessContext, 'now' | 'monotonicNow' | 'sleep'> {
  /** From now on so many seconds pass in one. */
  readonly runAt: (speed: number) => void
}

export function createClock({ now, monotonicNow, sleep }: Omit<DemoClock, 'runAt'>): DemoClock {
  let speed = 1
  let since = monotonicNow()
  let before = 0
  const ahead = () => Math.round(before + (monotonicNow() - since) * (speed - 1))
  return {
    now: () => now() + ahead(),
    monotonicNow: () => monotonicNow() + ahead(),
    sleep: (ms, signal) => sleep(ms / speed, signal),
    runAt: next => {
      before = ahead()
      since = monotonicNow()
      speed = next
    },
  }
}
