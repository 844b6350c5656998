/** Lanes over a virtual clock, and requests that end as a test says. */
import { Fault, type FaultCode } from '../../src/errors.ts'
import { createRequestQueue } from '../../src/upload/requestQueue.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'

export const answered = (code: FaultCode, apiCode = 'Some.Code') => new Fault(code, code, { apiCode })

export interface Wishes {
  readonly rate?: number
  readonly random?: () => number
  readonly repair?: (fault: Fault) => Promise<boolean>
}

export function stage({ rate = 10, random = () => 0, repair = async () => true }: Wishes = {}) {
  const clock = virtualClock()
  const repaired: Fault[] = []
  const lanes = createRequestQueue(rate, {
    ...clock,
    random,
    repair: fault => {
      repaired.push(fault)
      return repair(fault)
    },
  })
  const left: number[] = []
  /** A request that takes so many milliseconds and then ends in `answer`, which throws where it is to fail. */
  const send = (answer: () => void = () => {}, ms = 20, signal?: AbortSignal) =>
    lanes.run(
      'UploadCertificate',
      async () => {
        left.push(clock.now())
        await clock.wait(ms)
        answer()
      },
      signal,
    )
  const fail = (fault: Fault) => () => {
    throw fault
  }
  const reason = (work: Promise<unknown>) =>
    clock.until(
      work.then(
        () => 'went well',
        (error: unknown) => error,
      ),
    )
  return { clock, lanes, left, send, fail, reason, repaired }
}

export const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i))
