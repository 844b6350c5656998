/** Carries one bundle to the service: at the pace, with retries, and to an ID in the end. */
import { ADVICE } from '../core/advice.ts'
import type { Bundle } from '../core/bundle.ts'
import { duration } from '../core/duration.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Lineage } from '../core/lineage.ts'
import type { Reply } from '../core/reply.ts'
import type { Settings } from '../core/settings.ts'
import { existingOf, type Uploaded, uploadBody, uploadedOf } from '../core/upload.ts'
import type { Places } from './credentials.ts'
import { openDispatcher } from './dispatcher.ts'
import { openLanes } from './lanes.ts'
import type { Log } from './log.ts'
import { retry } from './retry.ts'
import { roleCredentials } from './role.ts'
import { type Client, openClient } from './tencent.ts'
import { openWallet } from './wallet.ts'

export interface UploaderOptions {
  readonly settings: Settings
  readonly env: Places['env']
  readonly home: string
  readonly version: string
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly signal: AbortSignal
  readonly onThrottled?: () => void
  readonly onSecret?: Places['onSecret']
  /** Kinds of weather told of until an upload goes well; whoever renews the uploader hands them on. */
  readonly told?: Set<FaultCode>
  readonly passing: Passing
}

/** How time passes and dice fall. */
interface Passing {
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly dice: () => number
}

export interface Uploader {
  readonly client: Client
  readonly upload: (bundle: Bundle, lineage: Lineage) => Promise<Uploaded & { readonly attempts: number }>
  /** Lets no more requests out: uploads that wait for their turn fail with this fault. */
  readonly halt: (fault: Fault) => void
  /** Where the credentials come from, in words. */
  readonly origin: () => Promise<string>
  readonly close: () => Promise<void>
}

export function openUploader(options: UploaderOptions): Uploader {
  const { settings, env, home, version, log, now, signal, passing } = options
  const { endpoint, region, language, profile, role, proxy, ratePerSecond } = settings
  const dispatcher = openDispatcher({ endpoint, proxy, env })
  const places = { env, home, profile, role: () => roleCredentials(role), onSecret: options.onSecret }
  const wait = (ms: number) => passing.wait(ms, signal).catch(() => undefined)
  const wallet = openWallet({ ...places, now: () => new Date(now()), wait }, now)
  const onClock = sayClock(log)
  const client = openClient({ endpoint, region, language, dispatcher, wallet, now, onClock, version })
  const lanes = openLanes(ratePerSecond, { ...passing, repair: client.repair })
  const ends = AbortSignal.any([signal, lanes.stopped])
  const call = (action: string, body: string) => client.call(action, body, signal).catch(sayThrottled)
  const sayThrottled = (error: unknown) => {
    if (error instanceof Fault && error.code === 'API_THROTTLED') options.onThrottled?.()
    throw error
  }
  const send = (action: string, body: string) => lanes.run(() => call(action, body), signal)
  const sayRetry = retryTeller(log, options.told)

  return {
    client,
    halt: lanes.halt,
    origin: async () => (await wallet.current()).origin,
    // not close(): that waits for a proxy that never answers, and nobody is left to want the answer
    close: () => dispatcher.destroy(),
    upload: async (bundle, lineage) => {
      const body = uploadBody(bundle, lineage.upload, lineage.name)
      const attempt = () => send('UploadCertificate', body).then(uploadedOf).catch(lookUp(bundle, send))
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

/** What the service would accept anyway is no wrong clock, but one that has been put right. In seconds. */
const IN_STEP = 60

const sayClock = (log: Log) => (offset: number) =>
  Math.abs(offset) < IN_STEP
    ? log.info({ event: 'clock', offset }, "this machine's clock is in step with the service's again")
    : log.warn(
        { event: 'clock', offset, advice: ADVICE.API_CLOCK },
        `this machine's clock is ${duration(Math.abs(offset))} ${offset > 0 ? 'slow' : 'fast'}; signing with the service's time`,
      )

/** In bad weather every certificate meets the same: the first to meet it says so, until something goes well. */
function retryTeller(log: Log, said = new Set<FaultCode>()) {
  return {
    wentWell: () => said.clear(),
    retry:
      ({ id }: Lineage) =>
      ({ code, apiCode, message, advice }: Fault, attempt: number, ms: number) => {
        const level = said.has(code) ? 'debug' : 'info'
        said.add(code)
        log[level](
          { event: 'retry', lineage: id, code, apiCode, advice, attempt, waitMs: Math.round(ms) },
          `${id} not uploaded at attempt ${attempt}, trying again in ${(ms / 1000).toFixed(1)} s: ${message}`,
        )
      },
  }
}

/** "It exists" is success with the ID left out: it is asked for. */
const lookUp =
  (bundle: Bundle, send: (action: string, body: string) => Promise<Reply>) => async (error: unknown) => {
    if (!(error instanceof Fault) || error.code !== 'API_EXISTS') throw error
    return existingOf(
      await send('CheckCertificateExist', JSON.stringify({ CertificatePublicKey: bundle.chainPem })),
      error,
    )
  }
