/** What carries bundles to the service: the courier, with the connection, the credentials and the clock that it needs. */
import { ADVICE } from '../core/advice.ts'
import { durationText } from '../core/duration.ts'
import type { Settings } from '../core/settings.ts'
import { createRetryingUploader, type RetryingUploader, type RetryingUploaderOptions } from './courier.ts'
import type { Places } from './credentials.ts'
import { createAgent } from './dispatcher.ts'
import type { Logger } from './log.ts'
import { roleCredentials } from './role.ts'
import { type Client, createClient } from './tencent.ts'
import { createCredentialProvider } from './wallet.ts'

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
  const { endpoint, region, language, profile, role, proxy, ratePerSecond } = settings
  const dispatcher = createAgent({ endpoint, proxy, env })
  const places = { env, home, profile, role: () => roleCredentials(role), onSecret: options.onSecret }
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
    ? log.info({ event: 'clock', offset }, "this machine's clock is in step with the service's again")
    : log.warn(
        { event: 'clock', offset, advice: ADVICE.API_CLOCK },
        `this machine's clock is ${durationText(Math.abs(offset))} ${offset > 0 ? 'slow' : 'fast'}; signing with the service's time`,
      )
