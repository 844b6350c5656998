/** The daemon's rounds: whatever calls, the same look follows, one at a time for a lineage, none lost. */
import { createJobs, type Job, type JobResult } from './core/agenda.ts'

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
