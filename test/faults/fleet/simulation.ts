/** Many servers that share the rate limit of one account, in virtual time, with the program's own decisions, queue and retries. */
import { setImmediate } from 'node:timers/promises'
import type { Bundle } from '../../../src/certificate/bundle.ts'
import { createRateLimit } from '../../../src/emulator/gateway.ts'
import { Fault } from '../../../src/errors.ts'
import { createLogger } from '../../../src/log/logger.ts'
import { emptyReceipt, type Receipt, uploadOf, withUpload } from '../../../src/receipts/receipt.ts'
import { type Parameters, type Reply, readReply } from '../../../src/tencent/response.ts'
import { decide } from '../../../src/upload/decision.ts'
import { type Clock, createRetryingUploader, type RetryingUploader } from '../../../src/upload/uploader.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { virtualClock } from '../../fixtures/virtualClock.ts'
import { lineageOf } from '../../upload/inMemoryDeps.ts'

/**
 * `fixed`    of each second the first so many requests pass: what the service documents
 * `sliding`  no second, wherever it begins, lets more pass: the emulator, and stricter
 */
export type Window = 'fixed' | 'sliding'

/** Between host and service, one way, in milliseconds. */
interface Latency {
  readonly least: number
  readonly most: number
}

export interface Fleet {
  readonly servers: number
  /** Certificates that every server has. */
  readonly everywhere: number
  /** Certificates that one server each has. */
  readonly single: number
  /** The limit of the account. */
  readonly perSecond: number
  readonly window: Window
  /** Milliseconds within which all servers begin, or when each of them does. */
  readonly within: number | readonly number[]
  readonly latency?: Latency
}

export interface Simulation {
  /** Each server has to ask once for each of its certificates: only the service knows the ID. */
  readonly needed: number
  /** Seconds that so many requests take at the limit. */
  readonly own: number
  /** Seconds until the last of them passed. */
  readonly taken: number
  readonly ratio: number
  readonly throttled: number
  /** The longest time in which one server had no success, in seconds. */
  readonly longestWait: number
  /** Certificates of a server without an ID, or with another than the service knows. */
  readonly lost: number
  /** Requests that passed and were not needed. */
  readonly wasted: number
  readonly duplicated: number
}

/** Whether a request that arrives now passes. */
type Limit = (at: number) => boolean

const LIMITS: Readonly<Record<Window, (perSecond: number, random: () => number) => Limit>> = {
  fixed: (perSecond, random) => {
    const phase = random() * 1_000
    let second = Number.NaN
    let count = 0
    return at => {
      const current = Math.floor((at + phase) / 1_000)
      if (current !== second) count = 0
      second = current
      count += 1
      return count <= perSecond
    }
  },
  sliding: perSecond => {
    const { check } = createRateLimit(perSecond)
    return at => {
      try {
        check('account', at)
        return true
      } catch {
        return false
      }
    }
  },
}

const envelope = (fields: object) =>
  JSON.stringify({ Response: { ...fields, RequestId: '00000000-0000-4000-8000-000000000000' } })

const THROTTLE = envelope({
  Error: { Code: 'RequestLimitExceeded', Message: 'Your current request times equals to `11` in a second.' },
})

/** The service: one limit for all, and one ID for a certificate, whoever asks. */
function openService(limit: Limit, clock: Clock, latency: Latency) {
  const ids = new Map<string, string>()
  let [passed, throttled, lastAt] = [0, 0, 0]
  const travel = () => clock.wait(latency.least + clock.random() * (latency.most - latency.least))
  const replyTo = ({ CertificatePublicKey, Repeatable }: Parameters): string => {
    if (!limit(clock.now())) {
      throttled += 1
      return THROTTLE
    }
    passed += 1
    lastAt = clock.now()
    const chain = String(CertificatePublicKey)
    const known = ids.get(chain)
    const id = (Repeatable ? undefined : known) ?? `ID${ids.size}`
    ids.set(chain, id)
    return envelope({ CertificateId: id, RepeatCertId: known === undefined ? '' : id })
  }
  const send = async (_: string, parameters: Parameters): Promise<Reply> => {
    await travel()
    const reply = replyTo(parameters)
    await travel()
    return readReply(200, reply)
  }
  return { send, ids, figures: () => ({ passed, throttled, lastAt }) }
}

const ENDPOINT = 'ssl.tencentcloudapi.com'
const NO_OUTPUT = { write: () => {}, isTerminal: false, isJournal: false, colours: false, columns: 80 }
/** Between two runs, in milliseconds, as a timer starts them. */
const BETWEEN_RUNS = 600_000

interface ServerOptions {
  readonly bundles: readonly Bundle[]
  readonly perSecond: number
  readonly send: (action: string, parameters: Parameters) => Promise<Reply>
  readonly clock: Clock
}

/** Runs until each certificate of the server has an ID. */
async function runServer({ bundles, perSecond, send, clock }: ServerOptions) {
  const receipts = new Map<string, Receipt>()
  let [lastAt, longestWait] = [clock.now(), 0]
  const onUploaded = () => {
    longestWait = Math.max(longestWait, clock.now() - lastAt)
    lastAt = clock.now()
  }
  for (;;) {
    const uploader = createRetryingUploader({
      ratePerSecond: perSecond,
      send,
      clock,
      repair: async () => false,
      log: createLogger({ format: 'json', level: 'error', output: NO_OUTPUT, now: clock.now }),
      signal: new AbortController().signal,
    })
    const done = await Promise.all(
      bundles.map(bundle => upload(bundle, uploader, { receipts, clock, onUploaded })),
    )
    if (!done.includes(false)) break
    await clock.wait(BETWEEN_RUNS)
  }
  const ids = new Map([...receipts].map(([id, { uploaded }]) => [id, uploaded?.certificateId]))
  return { ids, longestWait }
}

interface UploadState {
  readonly receipts: Map<string, Receipt>
  readonly clock: Clock
  readonly onUploaded: () => void
}

/** Whether the certificate is uploaded. */
async function upload(
  bundle: Bundle,
  uploader: RetryingUploader,
  { receipts, clock, onUploaded }: UploadState,
): Promise<boolean> {
  const lineage = lineageOf(bundle.names[0] ?? '')
  const receipt = receipts.get(bundle.fingerprint) ?? emptyReceipt(lineage.id)
  const now = new Date(bundle.notBefore.getTime() + clock.now())
  const circumstances = { now, force: false, endpoint: ENDPOINT, settings: '', patient: true }
  const decision = decide(bundle, receipt, circumstances)
  if (decision.do !== 'upload') return decision.do === 'skip'
  try {
    const uploaded = await uploader.upload(bundle, lineage)
    onUploaded()
    receipts.set(bundle.fingerprint, withUpload(receipt, uploadOf(bundle, uploaded, ENDPOINT, now), false))
    return true
  } catch (error) {
    if (error instanceof Fault && error.retry === 'backoff') return false
    throw error
  }
}

export async function simulate(fleet: Fleet, bundle: Bundle, seed: number): Promise<Simulation> {
  const { servers, everywhere, single, perSecond, window, within } = fleet
  const random = seededRandom(seed)
  const { until, ...time } = virtualClock({ still: () => setImmediate() })
  const clock = { ...time, random }
  const limit = LIMITS[window](perSecond, random)
  const { send, ids, figures } = openService(limit, clock, fleet.latency ?? { least: 10, most: 60 })
  const bundles = Array.from({ length: everywhere + single }, (_, i) => nthBundle(bundle, i))
  const bundlesOf = (server: number) =>
    bundles.filter((_, i) => i < everywhere || (i - everywhere) % servers === server)
  const all = await until(
    Promise.all(
      Array.from({ length: servers }, async (_, server) => {
        await clock.wait(typeof within === 'number' ? random() * within : (within[server] ?? 0))
        return runServer({ bundles: bundlesOf(server), perSecond, send, clock })
      }),
    ),
  )
  const needed = servers * everywhere + single
  const { passed, throttled, lastAt } = figures()
  const own = needed / perSecond
  return {
    needed,
    own,
    taken: lastAt / 1_000,
    ratio: lastAt / 1_000 / own,
    throttled,
    longestWait: Math.max(...all.map(({ longestWait }) => longestWait)) / 1_000,
    lost: all.flatMap((server, i) =>
      bundlesOf(i).filter(one => server.ids.get(one.fingerprint) !== ids.get(one.chainPem)),
    ).length,
    wasted: passed - needed,
    duplicated: ids.size - new Set(ids.values()).size + (ids.size - bundles.length),
  }
}

/** Another certificate to the decision and the service, which know it by its fingerprint and its text. */
const nthBundle = (bundle: Bundle, n: number): Bundle => ({
  ...bundle,
  fingerprint: n.toString(16).padStart(64, '0'),
  chainPem: `certificate ${n}`,
  names: [`host${n}.example.com`],
})
