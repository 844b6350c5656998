/**
 * Sends requests as fast as the rate limiter allows: each action of the service has a limit of its own. Stops while a fault's
 * cause is repaired, and for good after a fault that every later request would meet.
 */
import { abortReason, Fault } from '../errors.ts'
import { durationText } from '../terminal/text.ts'
import { ACCOUNT_PAUSE_MS, OUTAGE_AFTER_MS, STARVED_AFTER_MS } from '../util/schedule.ts'
import { createLimiter, delayUntilNext, onReply, onSent } from './rateLimiter.ts'

export interface RequestQueueDeps {
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number
  readonly random: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Repairs the cause of a fault of class recover; true when trying again makes sense. */
  readonly repair: (fault: Fault) => Promise<boolean>
}

export interface RequestQueue {
  /** Runs the request when its action may send one. @throws the fault that stopped the queue, without a request. */
  readonly run: <T>(action: string, request: () => Promise<T>, signal?: AbortSignal) => Promise<T>
  /** Whether the cause of the last fault of class recover has been repaired. */
  readonly repaired: () => Promise<boolean>
  /** All attempts since `since` have failed: if no request was answered in that time, the service is down. */
  readonly reportGivenUp: (fault: Fault, since: number) => void
  readonly halt: (fault: Fault) => void
  /** Aborted, with the fault as its reason, when no more requests of this action are sent. */
  readonly stopped: (action: string) => AbortSignal
}

export function createRequestQueue(perSecond: number, deps: RequestQueueDeps): RequestQueue {
  const { now, random, repair } = deps
  const stop = new AbortController()
  const halt = (fault: Fault) => stop.abort(fault)
  let repairing: Promise<boolean> = Promise.resolve(true)
  let repairedAt = -Infinity
  let silentSince: number | undefined

  const startRepair = async (fault: Fault): Promise<boolean> => {
    repairedAt = Infinity // requests that are under way now fail for the same cause, which is repaired once
    const done = await repair(fault).catch(error => {
      halt(error instanceof Fault ? error : fault)
      return false
    })
    if (!done) halt(fault)
    repairedAt = now()
    return done
  }

  /** What the outcome of one request means for all actions. */
  const onOutcome = (sentAt: number, fault: Fault | undefined) => {
    // counted from the first request in vain, not from the last answer: idle hours are not silence
    silentSince = isAnswer(fault) ? undefined : (silentSince ?? sentAt)
    if (!fault) return
    if (silentSince !== undefined && now() - silentSince > OUTAGE_AFTER_MS) halt(fault)
    if (fault.retry === 'never' && fault.scope === 'account' && !isOfAction(fault)) halt(fault)
    // a request that was sent before the last repair failed for what has been repaired since
    if (fault.retry === 'recover' && sentAt > repairedAt) repairing = startRepair(fault)
  }

  const lanes = new Map<string, Lane>()
  const laneOf = (action: string): Lane => {
    const known = lanes.get(action)
    const lane = known?.isUsable() ? known : createLane(perSecond, deps, () => repairing, stop.signal)
    lanes.set(action, lane)
    return lane
  }

  return {
    repaired: () => repairing,
    stopped: action => laneOf(action).stopped,
    halt,
    reportGivenUp: (fault, since) => {
      if (silentSince !== undefined && silentSince <= since) halt(fault)
    },
    run: async (action, request, signal) => {
      const lane = laneOf(action)
      const starved = lane.starved()
      const sentAt = await lane.admit(signal)
      const settle = (fault: Fault | undefined) => {
        onOutcome(sentAt, fault)
        lane.onOutcome(sentAt, fault, random())
      }
      try {
        const result = await request()
        settle(undefined)
        return result
      } catch (error) {
        const fault = error instanceof Fault ? error : new Fault('INTERNAL_ERROR', 'unexpected')
        settle(fault)
        if (fault.code === 'API_THROTTLED') starved.throwIfAborted()
        throw error
      }
    },
  }
}

/** What the key or the site does not allow is this action; others may go on. */
export const isOfAction = ({ code, apiCode }: Fault) =>
  code === 'API_FORBIDDEN' || apiCode === 'InvalidAction'

const isAnswer = (fault: Fault | undefined) => !fault || fault.apiCode !== undefined

type Lane = ReturnType<typeof createLane>

/** The requests of one action, one after another in the order in which they came. */
function createLane(
  perSecond: number,
  { now, wait }: RequestQueueDeps,
  repairing: () => Promise<boolean>,
  halted: AbortSignal,
) {
  const forbidden = new AbortController()
  let forbiddenAt: number | undefined
  const forbid = (fault: Fault) => {
    forbiddenAt ??= now()
    forbidden.abort(fault)
  }
  const stopped = AbortSignal.any([halted, forbidden.signal])
  let limiter = createLimiter(perSecond)
  let starving = new AbortController()
  let throttledSince: number | undefined
  let queue: Promise<unknown> = Promise.resolve()
  let outcome = Promise.withResolvers<void>()

  const admitNext = async (wanted: number, starved: AbortSignal, signal: AbortSignal | undefined) => {
    for (;;) {
      await repairing()
      stopped.throwIfAborted()
      starved.throwIfAborted()
      if (signal?.aborted) throw abortReason(signal, 'no time was left to send it')
      const ms = delayUntilNext(limiter, now())
      if (ms === 0) break
      // an aborted wait is no failure: the next round sees the signal
      await (ms === Infinity
        ? outcome.promise
        : wait(ms, signal).catch(error => {
            if (!signal?.aborted) throw error
          }))
    }
    const at = now()
    limiter = onSent(limiter, at, wanted)
    return at
  }

  /** Rejects all requests that wait now; later ones are unaffected. */
  const giveUp = ({ message, apiCode, requestId }: Fault) => {
    const hours = durationText(STARVED_AFTER_MS / 1_000)
    const detail = { tries: 0, ...(apiCode && { apiCode }), ...(requestId && { requestId }) }
    starving.abort(new Fault('API_THROTTLED', `in ${hours} nothing got through: ${message}`, detail))
    starving = new AbortController()
    throttledSince = undefined
  }

  return {
    stopped,
    /** A right may have been granted since. */
    isUsable: () => forbiddenAt === undefined || now() - forbiddenAt < ACCOUNT_PAUSE_MS.first,
    starved: () => starving.signal,
    /** Waits until a request may be sent. @returns when that was */
    admit: (signal: AbortSignal | undefined): Promise<number> => {
      const [wanted, starved] = [now(), starving.signal]
      const turn = queue.then(() => admitNext(wanted, starved, signal))
      queue = turn.catch(() => undefined)
      return turn
    },
    onOutcome: (sentAt: number, fault: Fault | undefined, random: number) => {
      const answered = isAnswer(fault)
      const throttled = fault?.code === 'API_THROTTLED'
      if (throttled) throttledSince ??= sentAt
      else if (answered) throttledSince = undefined
      if (throttledSince !== undefined && fault && now() - throttledSince > STARVED_AFTER_MS) giveUp(fault)
      // the key may do other things
      if (fault && isOfAction(fault)) forbid(fault)
      const proves = answered && fault?.scope !== 'account'
      limiter = onReply(limiter, sentAt, now(), { throttled, proves, silent: !answered }, random)
      outcome.resolve()
      outcome = Promise.withResolvers()
    },
  }
}
