/** One server of a fleet: it carries each of its certificates to an ID, with the program's own plan, pace and patience. */
import type { Bundle } from '../../../src/certificate/bundle.ts'
import { Fault } from '../../../src/errors.ts'
import { createLogger } from '../../../src/log/logger.ts'
import { emptyReceipt, type Receipt, uploadOf, withUpload } from '../../../src/receipts/receipt.ts'
import type { Parameters, Reply } from '../../../src/tencent/response.ts'
import { decide } from '../../../src/upload/decision.ts'
import { type Clock, createRetryingUploader, type RetryingUploader } from '../../../src/upload/uploader.ts'
import { lineageOf } from '../../upload/inMemoryDeps.ts'

export interface AgentOptions {
  readonly bundles: readonly Bundle[]
  readonly ratePerSecond: number
  readonly send: (action: string, parameters: Parameters) => Promise<Reply>
  readonly passing: Clock
  /** How long a pass may take and how long it is to the next, where passes are started by a timer. In milliseconds. */
  readonly shifts?: { readonly on: number; readonly off: number } | undefined
}

export interface Agent {
  /** IDs by fingerprint. */
  readonly ids: ReadonlyMap<string, string>
  /** The longest time in which nothing of it got through, in milliseconds. */
  readonly longestWait: number
  readonly doneAt: number
  readonly passes: number
}

const NOBODY = { write: () => {}, isTerminal: false, isJournal: false, colours: false, columns: 80 }
const ENDPOINT = 'ssl.tencentcloudapi.com'
/** Between two passes that were not ended, as where a timer starts them anew. */
const APART = 600_000

export async function agent(options: AgentOptions): Promise<Agent> {
  const { bundles, passing, shifts } = options
  const receipts = new Map<string, Receipt>()
  const began = passing.now()
  let [lastAt, longestWait] = [began, 0]
  const onUploaded = () => {
    longestWait = Math.max(longestWait, passing.now() - lastAt)
    lastAt = passing.now()
  }
  let passes = 0
  for (let open = true; open; ) {
    passes += 1
    const shift = new AbortController()
    const over = new AbortController()
    if (shifts)
      void passing.wait(shifts.on, over.signal).then(
        () => shift.abort(new Fault('INTERRUPTED', 'the shift is over')),
        () => {},
      )
    const courier = createRetryingUploader({
      ...options,
      repair: async () => false,
      log: createLogger({ level: 'error', output: NOBODY, now: passing.now }),
      signal: shift.signal,
    })
    const ended = await Promise.all(
      bundles.map(one => carried(one, courier, { receipts, passing, onUploaded })),
    )
    over.abort()
    open = ended.includes(false)
    if (open) await passing.wait(shifts?.off ?? APART)
  }
  const ids = [...receipts].map(([id, { uploaded }]) => [id, uploaded?.certificateId ?? ''] as const)
  return { ids: new Map(ids), longestWait, doneAt: lastAt, passes }
}

interface Carrying {
  readonly receipts: Map<string, Receipt>
  readonly passing: Clock
  readonly onUploaded: () => void
}

/** Whether the certificate is up. @throws what is neither weather nor the end of the pass. */
async function carried(
  bundle: Bundle,
  courier: RetryingUploader,
  { receipts, passing, onUploaded }: Carrying,
): Promise<boolean> {
  const lineage = lineageOf(bundle.names[0] ?? '')
  const receipt = receipts.get(bundle.fingerprint) ?? emptyReceipt(lineage.id)
  const now = new Date(bundle.notBefore.getTime() + passing.now())
  const circumstances = { now, force: false, endpoint: ENDPOINT, settings: '', patient: true }
  const decision = decide(bundle, receipt, circumstances)
  if (decision.do !== 'upload') return decision.do === 'skip'
  try {
    const uploaded = await courier.upload(bundle, lineage)
    onUploaded()
    receipts.set(bundle.fingerprint, withUpload(receipt, uploadOf(bundle, uploaded, ENDPOINT, now), false))
    return true
  } catch (error) {
    if (error instanceof Fault && error.retry === 'backoff') return false
    throw error
  }
}
