/** Carries one bundle after the other: at the pace, with retries, and to an ID in the end. How the service is called is an argument. */
import type { Bundle } from '../core/bundle.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Lineage } from '../core/lineage.ts'
import type { Reply } from '../core/reply.ts'
import { existingOf, type Uploaded, uploadBody, uploadedOf } from '../core/upload.ts'
import { createRequestQueue, type RequestQueueDeps } from './lanes.ts'
import type { Logger } from './log.ts'
import { retry } from './retry.ts'

export interface RetryingUploaderOptions {
  readonly ratePerSecond: number
  /** Sends one request. @throws Fault of the service's answer, or of the way there. */
  readonly call: (action: string, body: string) => Promise<Reply>
  readonly repair: RequestQueueDeps['repair']
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onThrottled?: (() => void) | undefined
  /** Kinds of weather told of until an upload goes well; whoever renews the courier hands them on. */
  readonly told?: Set<FaultCode> | undefined
  readonly passing: Clock
}

/** How time passes and dice fall. */
export type Clock = Omit<RequestQueueDeps, 'repair'>

export interface RetryingUploader {
  readonly upload: (bundle: Bundle, lineage: Lineage) => Promise<Uploaded & { readonly attempts: number }>
  /** Lets no more requests out: uploads that wait for their turn fail with this fault. */
  readonly halt: (fault: Fault) => void
}

export function createRetryingUploader(options: RetryingUploaderOptions): RetryingUploader {
  const { ratePerSecond, repair, log, signal, passing } = options
  const lanes = createRequestQueue(ratePerSecond, { ...passing, repair })
  const ends = AbortSignal.any([signal, lanes.stopped])
  const sayThrottled = (error: unknown) => {
    if (error instanceof Fault && error.code === 'API_THROTTLED') options.onThrottled?.()
    throw error
  }
  const call = (action: string, body: string) => options.call(action, body).catch(sayThrottled)
  const send = (action: string, body: string) => lanes.run(() => call(action, body), signal)
  const sayRetry = logRetry(log, options.told)

  return {
    halt: lanes.halt,
    upload: async (bundle, lineage) => {
      const body = uploadBody(bundle, lineage.upload, lineage.name)
      const attempt = () =>
        send('UploadCertificate', body).then(uploadedOf).catch(resolveExisting(bundle, send))
      const since = passing.now()
      try {
        const patience = { ...passing, signal: ends, mended: lanes.mended, onRetry: sayRetry.retry(lineage) }
        const { value, attempts } = await retry(attempt, patience)
        sayRetry.wentWell()
        return { ...value, attempts }
      } catch (error) {
        if (error instanceof Fault && error.retry === 'later') lanes.gaveUp(error, since)
        throw error
      }
    },
  }
}

/** In bad weather every certificate meets the same: the first to meet it says so, until something goes well. */
function logRetry(log: Logger, said = new Set<FaultCode>()) {
  return {
    wentWell: () => said.clear(),
    retry:
      ({ id }: Lineage) =>
      ({ code, apiCode, message, advice }: Fault, attempt: number, ms: number) => {
        const level = said.has(code) ? 'debug' : 'info'
        said.add(code)
        log[level](
          { event: 'retry', lineage: id, code, apiCode, advice, attempt, waitMs: Math.round(ms) },
          `${id} not uploaded at attempt ${attempt}, trying again ${ms ? `in ${(ms / 1000).toFixed(1)} s` : 'when its turn comes'}: ${message}`,
        )
      },
  }
}

/** "It exists" is success with the ID left out: it is asked for. */
const resolveExisting =
  (bundle: Bundle, send: (action: string, body: string) => Promise<Reply>) => async (error: unknown) => {
    if (!(error instanceof Fault) || error.code !== 'API_EXISTS') throw error
    return existingOf(
      await send('CheckCertificateExist', JSON.stringify({ CertificatePublicKey: bundle.chainPem })),
      error,
    )
  }
