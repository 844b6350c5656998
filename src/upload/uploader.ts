/** Uploads certificates and calls other actions of the service, with retries and within the rate limit. */
import type { GenericSchema, InferOutput } from 'valibot'
import type { Bundle } from '../certificate/bundle.ts'
import type { Settings } from '../config/settings.ts'
import { FAULTS, Fault, type FaultCode } from '../errors.ts'
import { createAgent } from '../http/agent.ts'
import type { Logger } from '../log/logger.ts'
import type { Lineage } from '../sources/lineage.ts'
import { type Client, createClient } from '../tencent/client.ts'
import { createCredentialProvider, type Places } from '../tencent/credentials.ts'
import { roleCredentials } from '../tencent/instanceRole.ts'
import { fieldsOf, type Parameters, type Reply } from '../tencent/response.ts'
import { existingOf, type Uploaded, uploadedOf, uploadParameters } from '../tencent/uploadRequest.ts'
import { durationText } from '../terminal/text.ts'
import { createRequestQueue, type RequestQueueDeps } from './requestQueue.ts'
import { retry } from './retry.ts'

interface RetryingUploaderOptions {
  readonly ratePerSecond: number
  /** Sends one request. @throws Fault of the service's answer, or of the network. */
  readonly send: Client['call']
  readonly repair: RequestQueueDeps['repair']
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onThrottled?: (() => void) | undefined
  /** The faults that have been logged since the last success; shared by the uploaders of one daemon. */
  readonly logged?: Set<FaultCode> | undefined
  readonly clock: Clock
}

/** The clock and the random numbers. */
export type Clock = Omit<RequestQueueDeps, 'repair'>

/** What a call is for, as a retry is logged: `certbot:example.com not uploaded at attempt 1`. */
export interface CallContext {
  readonly lineage: string
  readonly failed: string
}

export interface RetryingUploader {
  readonly upload: (bundle: Bundle, lineage: Lineage) => Promise<Uploaded & { readonly attempts: number }>
  /**
   * Calls any action of the service: retried, and no faster than this action's own rate limit.
   * @throws Fault of the service's answer, or of the network; REPLY_UNREADABLE for a reply that is not of this schema.
   */
  readonly call: <Schema extends GenericSchema>(
    action: string,
    parameters: Parameters,
    schema: Schema,
    context: CallContext,
  ) => Promise<Called<InferOutput<Schema>>>
  /** Sends no more requests: those that wait for their turn fail with this fault. */
  readonly halt: (fault: Fault) => void
}

interface Called<Fields> {
  readonly fields: Fields
  readonly requestId: string
  readonly attempts: number
}

export function createRetryingUploader(options: RetryingUploaderOptions): RetryingUploader {
  const { ratePerSecond, repair, log, signal, clock, onThrottled } = options
  const queue = createRequestQueue(ratePerSecond, { ...clock, repair })
  const retries = logRetry(log, options.logged)
  const send: Send = (action, parameters) =>
    queue.run(
      action,
      () =>
        options.send(action, parameters, signal).catch(error => {
          if (error instanceof Fault && error.code === 'API_THROTTLED') onThrottled?.()
          throw error
        }),
      signal,
    )
  const retried = async <T>(action: string, context: CallContext, attempt: () => Promise<T>) => {
    const since = clock.now()
    const ends = AbortSignal.any([signal, queue.stopped(action)])
    const onRetry = retries.log(context)
    try {
      const result = await retry(attempt, { ...clock, signal: ends, repaired: queue.repaired, onRetry })
      retries.succeeded()
      return result
    } catch (error) {
      if (error instanceof Fault && error.retry === 'backoff') queue.reportGivenUp(error, since)
      throw error
    }
  }
  return {
    halt: queue.halt,
    upload: async (bundle, lineage) => {
      const parameters = uploadParameters(bundle, lineage.upload, lineage.name)
      const context = { lineage: lineage.id, failed: 'not uploaded' }
      const { value, attempts } = await retried('UploadCertificate', context, () =>
        send('UploadCertificate', parameters).then(uploadedOf).catch(findExisting(bundle, send)),
      )
      return { ...value, attempts }
    },
    call: async (action, parameters, schema, context) => {
      const { value, attempts } = await retried(action, context, async () => {
        const reply = await send(action, parameters)
        return { fields: fieldsOf(reply, schema), requestId: reply.requestId }
      })
      return { ...value, attempts }
    },
  }
}

type Send = (action: string, parameters: Parameters) => Promise<Reply>

/** During an outage every request fails alike: each kind of fault is logged once until a request succeeds. */
function logRetry(log: Logger, logged = new Set<FaultCode>()) {
  return {
    succeeded: () => logged.clear(),
    log:
      ({ lineage, failed }: CallContext) =>
      ({ code, apiCode, message, advice }: Fault, attempt: number, ms: number) => {
        const level = logged.has(code) ? 'debug' : 'info'
        logged.add(code)
        const when = ms ? `in ${(ms / 1000).toFixed(1)} s` : 'when its turn comes'
        log[level](
          { event: 'retry', lineage, code, apiCode, advice, attempt, waitMs: Math.round(ms) },
          `${lineage} ${failed} at attempt ${attempt}, trying again ${when}: ${message}`,
        )
      },
  }
}

/** "It exists" is a success without the ID, which another action returns. */
const findExisting = (bundle: Bundle, send: Send) => async (error: unknown) => {
  if (!(error instanceof Fault) || error.code !== 'API_EXISTS') throw error
  return existingOf(await send('CheckCertificateExist', { CertificatePublicKey: bundle.chainPem }), error)
}

export interface UploaderOptions extends Omit<RetryingUploaderOptions, 'ratePerSecond' | 'send' | 'repair'> {
  readonly settings: Settings
  readonly env: Places['env']
  readonly home: string
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onSecret?: Places['onSecret']
}

export interface Uploader extends RetryingUploader {
  readonly client: Client
  /** Where the credentials come from, as shown to the operator. */
  readonly origin: () => Promise<string>
  readonly close: () => Promise<void>
}

export function createUploader(options: UploaderOptions): Uploader {
  const { settings, env, home, version, log, now, signal, clock } = options
  const { endpoint, region, language, profile, instanceRole, proxy, ratePerSecond } = settings
  const dispatcher = createAgent({ endpoint, proxy, env })
  const places = { env, home, profile, role: () => roleCredentials(instanceRole), onSecret: options.onSecret }
  const wait = (ms: number) => clock.wait(ms, signal).catch(() => undefined)
  const credentials = createCredentialProvider({ ...places, now: () => new Date(now()), wait }, now)
  const onClock = logClock(log)
  const client = createClient({ endpoint, region, language, dispatcher, credentials, now, onClock, version })
  const retrying = createRetryingUploader({
    ...options,
    ratePerSecond,
    send: client.call,
    repair: client.repair,
  })
  return {
    ...retrying,
    client,
    origin: async () => (await credentials.current()).origin,
    // not close(): that waits for a proxy that never answers
    close: () => dispatcher.destroy(),
  }
}

/** Seconds. The service accepts such a difference: the clock was wrong and has been set. */
const ACCEPTED_OFFSET = 60

const logClock = (log: Logger) => (offset: number) =>
  Math.abs(offset) < ACCEPTED_OFFSET
    ? log.info({ event: 'clock_skew', offset }, "this machine's clock is in step with the service's again")
    : log.warn(
        { event: 'clock_skew', offset, advice: FAULTS.API_CLOCK.advice },
        `this machine's clock is ${durationText(Math.abs(offset))} ${offset > 0 ? 'slow' : 'fast'}; signing with the service's time`,
      )
