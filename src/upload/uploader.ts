/** Carries one bundle after the other: at the pace, with retries, and to an ID in the end. How the service is called is an argument. */
import type { Bundle } from '../certificate/bundle.ts'
import type { Settings } from '../config/settings.ts'
import { FAULTS, Fault, type FaultCode } from '../errors.ts'
import { createAgent } from '../http/agent.ts'
import type { Logger } from '../log/logger.ts'
import type { Lineage } from '../sources/lineage.ts'
import { type Client, createClient } from '../tencent/client.ts'
import { createCredentialProvider, type Places } from '../tencent/credentials.ts'
import { roleCredentials } from '../tencent/instanceRole.ts'
import type { Reply } from '../tencent/response.ts'
import { existingOf, type Uploaded, uploadBody, uploadedOf } from '../tencent/uploadRequest.ts'
import { durationText } from '../terminal/text.ts'
import { createRequestQueue, type RequestQueueDeps } from './requestQueue.ts'
import { retry } from './retry.ts'

interface RetryingUploaderOptions {
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
        if (error instanceof Fault && error.retry === 'backoff') lanes.gaveUp(error, since)
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

export interface UploaderOptions extends Omit<RetryingUploaderOptions, 'ratePerSecond' | 'call' | 'repair'> {
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
  /** Where the credentials come from, in words. */
  readonly origin: () => Promise<string>
  readonly close: () => Promise<void>
}

export function createUploader(options: UploaderOptions): Uploader {
  const { settings, env, home, version, log, now, signal, passing } = options
  const { endpoint, region, language, profile, instanceRole, proxy, ratePerSecond } = settings
  const dispatcher = createAgent({ endpoint, proxy, env })
  const places = { env, home, profile, role: () => roleCredentials(instanceRole), onSecret: options.onSecret }
  const wait = (ms: number) => passing.wait(ms, signal).catch(() => undefined)
  const wallet = createCredentialProvider({ ...places, now: () => new Date(now()), wait }, now)
  const onClock = sayClock(log)
  const client = createClient({ endpoint, region, language, dispatcher, wallet, now, onClock, version })
  const call = (action: string, body: string) => client.call(action, body, signal)
  const courier = createRetryingUploader({ ...options, ratePerSecond, call, repair: client.repair })
  return {
    ...courier,
    client,
    origin: async () => (await wallet.current()).origin,
    // not close(): that waits for a proxy that never answers, and nobody is left to want the answer
    close: () => dispatcher.destroy(),
  }
}

/** What the service would accept anyway is no wrong clock, but one that has been put right. In seconds. */
const IN_STEP = 60

const sayClock = (log: Logger) => (offset: number) =>
  Math.abs(offset) < IN_STEP
    ? log.info({ event: 'clock_skew', offset }, "this machine's clock is in step with the service's again")
    : log.warn(
        { event: 'clock_skew', offset, advice: FAULTS.API_CLOCK.advice },
        `this machine's clock is ${durationText(Math.abs(offset))} ${offset > 0 ? 'slow' : 'fast'}; signing with the service's time`,
      )
