/** Lets requests out at the pace's rhythm; stops for repairs, and for good once the account itself is at fault. */
import { abortReason, Fault } from '../errors.ts'
import { durationText } from '../terminal/text.ts'
import { OUTAGE_AFTER_MS, STARVED_AFTER_MS } from '../util/schedule.ts'
import { createLimiter, delayUntilNext, onReply, onSent } from './rateLimiter.ts'

export interface RequestQueueDeps {
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number
  readonly dice: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Mends the cause of a fault of class repair; true when trying again makes sense. */
  readonly repair: (fault: Fault) => Promise<boolean>
}

interface RequestQueue {
  /** Runs the request when there is room for it. @throws the fault that stopped the lanes, without a request. */
  readonly run: <T>(request: () => Promise<T>, signal?: AbortSignal) => Promise<T>
  /** Whether what this fault complained of has been mended. */
  readonly mended: () => Promise<boolean>
  /** Somebody has used up all attempts, the first of them at `since`: if nothing was answered in all that time, the service is down. */
  readonly gaveUp: (fault: Fault, since: number) => void
  readonly halt: (fault: Fault) => void
  /** Aborted, with the fault as its reason, when no more requests are let out. */
  readonly stopped: AbortSignal
}

/** A pause that was cut short is no failure: what comes after it looks at the signal. */
const unless = (signal: AbortSignal | undefined) => (error: unknown) => {
  if (!signal?.aborted) throw error
}

export function createRequestQueue(
  perSecond: number,
  { now, dice, wait, repair }: RequestQueueDeps,
): RequestQueue {
  let pace = createLimiter(perSecond)
  const stop = new AbortController()
  const halt = (fault: Fault) => stop.abort(fault)
  let mending: Promise<boolean> = Promise.resolve(true)
  let mendedAt = -Infinity
  let silentSince: number | undefined
  let throttledSince: number | undefined
  let waiting = new AbortController()
  let queue: Promise<unknown> = Promise.resolve()
  let room = Promise.withResolvers<void>()

  /** Ends all that wait, and nothing that comes later. */
  const giveUp = ({ message, apiCode, requestId }: Fault) => {
    const detail = { tries: 0, ...(apiCode && { apiCode }), ...(requestId && { requestId }) }
    waiting.abort(
      new Fault(
        'API_THROTTLED',
        `in ${durationText(STARVED_AFTER_MS / 1_000)} nothing got through: ${message}`,
        detail,
      ),
    )
    waiting = new AbortController()
    throttledSince = undefined
  }

  /** Waits for a place. One at a time and in order, so that nobody is overtaken for ever. */
  const admission = async (
    wanted: number,
    signal: AbortSignal | undefined,
    patience: AbortSignal,
  ): Promise<number> => {
    for (;;) {
      await mending
      stop.signal.throwIfAborted()
      patience.throwIfAborted()
      if (signal?.aborted) throw abortReason(signal, 'no time was left to send it')
      const ms = delayUntilNext(pace, now())
      if (ms === 0) break
      await (ms === Infinity ? room.promise : wait(ms, signal).catch(unless(signal)))
    }
    const at = now()
    pace = onSent(pace, at, wanted)
    return at
  }

  const mend = async (fault: Fault): Promise<boolean> => {
    mendedAt = Infinity // what was under way beside it fails for the same cause: nobody begins a second repair
    const done = await repair(fault).catch(error => {
      halt(error instanceof Fault ? error : fault)
      return false
    })
    if (!done) halt(fault)
    mendedAt = now()
    return done
  }

  const settle = (at: number, fault: Fault | undefined) => {
    const answered = !fault || fault.apiCode !== undefined
    const throttled = fault?.code === 'API_THROTTLED'
    // counted from the first request in vain, not from the last answer: idle hours are not silence
    silentSince = answered ? undefined : (silentSince ?? at)
    throttledSince = throttled ? (throttledSince ?? at) : answered ? undefined : throttledSince
    if (fault?.retry === 'never' && fault.scope === 'account') halt(fault)
    if (silentSince !== undefined && fault && now() - silentSince > OUTAGE_AFTER_MS) halt(fault)
    if (throttledSince !== undefined && fault && now() - throttledSince > STARVED_AFTER_MS) giveUp(fault)
    // one that left before the last repair complains of what has been mended since
    if (fault?.retry === 'recover' && at > mendedAt) mending = mend(fault)
    const reply = {
      throttled,
      proves: answered && fault?.scope !== 'account',
      silent: !answered,
    }
    pace = onReply(pace, at, now(), reply, dice())
    room.resolve()
    room = Promise.withResolvers()
  }

  return {
    mended: () => mending,
    stopped: stop.signal,
    halt,
    gaveUp: (fault, since) => {
      if (silentSince !== undefined && silentSince <= since) halt(fault)
    },
    run: async (request, signal) => {
      const patience = waiting.signal
      const wanted = now()
      const turn = queue.then(() => admission(wanted, signal, patience))
      queue = turn.catch(() => undefined)
      const at = await turn
      try {
        const result = await request()
        settle(at, undefined)
        return result
      } catch (error) {
        const fault = error instanceof Fault ? error : new Fault('INTERNAL_ERROR', 'unexpected')
        settle(at, fault)
        if (fault.code === 'API_THROTTLED') patience.throwIfAborted()
        throw error
      }
    },
  }
}
