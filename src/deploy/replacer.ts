/** Replaces, follows, verifies and retires for many lineages, with the service, the state and the network behind it. */
import { rootCertificates } from 'node:tls'
import { record as recordSchema, string, unknown } from 'valibot'
import type { Bundle } from '../certificate/bundle.ts'
import { abortReason, Fault } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type { Replacement, ReplacementResult } from '../receipts/replacement.ts'
import type { ReceiptStore } from '../receipts/store.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { Reply } from '../tencent/response.ts'
import type { Uploader } from '../upload/uploader.ts'
import { createSlots } from '../util/async.ts'
import { CROWDED_BATCH_MS, SURVEY_BATCH_MS } from '../util/schedule.ts'
import { chainOf } from './chain.ts'
import { type ShakeHands, shakeHands } from './handshake.ts'
import { planReplacement } from './plan.ts'
import { type ReplaceDeps, type ReplaceOptions, replaceCertificate } from './replaceCertificate.ts'
import { createReplacementLog } from './replacementLog.ts'
import { retiredEntry } from './report.ts'
import type { Request } from './requests.ts'
import { isRetirementDue, retireOlder } from './retire.ts'
import { rollBack } from './rollBack.ts'
import { currentReplacement, type DueOptions, faultOf, isDue } from './state.ts'
import { createSurveyor } from './survey.ts'

export interface ReplacerOptions {
  readonly endpoint: string
  readonly log: Logger
  readonly receipts: Pick<ReceiptStore, 'all'>
  readonly recall: (lineage: Lineage) => Promise<Receipt>
  readonly record: ReplaceDeps['record']
  readonly readBundle: (lineage: Lineage) => Promise<Bundle>
  readonly uploader: () => Promise<Pick<Uploader, 'call'>>
  /** Sends each request. */
  readonly request?: <T>(send: () => Promise<T>) => Promise<T>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly monotonicNow: () => number
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Ends all work. */
  readonly signal: AbortSignal
  /** By default addresses are asked over the network. */
  readonly shakeHands?: ShakeHands
  /** Beside the log. */
  readonly onChange: (lineage: Lineage, replacement: Replacement) => void
}

interface RunOptions extends Omit<ReplaceOptions, 'endpoint'> {
  /** Finds out and changes nothing. */
  readonly dryRun: boolean
  /** Called beside the log's, whenever it comes further. */
  readonly onChange?: (replacement: Replacement) => void
}

export interface Examined {
  readonly due: readonly Lineage[]
  readonly others: ReadonlyMap<string, ReplacementResult>
}

export interface Replacer {
  /** Which of the lineages have something left to do, and how far the others are. By one query. */
  readonly examine: (lineages: readonly Lineage[], options: DueOptions) => Promise<Examined>
  readonly replace: (lineage: Lineage, options: RunOptions) => Promise<ReplacementResult>
  /** Puts the previous ID back, and holds it until the next renewal. */
  readonly rollBack: (lineage: Lineage) => Promise<ReplacementResult>
}

/** Update jobs of the account that run side by side. The service's own limit is not documented. */
const JOBS = 4

export function createReplacer(options: ReplacerOptions): Replacer {
  const { endpoint, log, receipts, signal, request = send => send() } = options
  const slots = createSlots(JOBS)
  const replacementLog = createReplacementLog(log)

  const sleep = async (ms: number) => {
    await options.sleep(ms, signal).catch(error => {
      throw signal.aborted ? abortReason(signal, 'the time is over') : error
    })
  }
  const send = async ({ action, body }: Request): Promise<Reply> => {
    if (signal.aborted) throw abortReason(signal, 'the time is over')
    const context = { lineage: action, failed: 'not answered' }
    return request(async () => {
      const { call } = await options.uploader()
      return call(action, body, recordSchema(string(), unknown()), context)
    }).catch(error => {
      throw naming(action, error)
    })
  }
  const now = () => new Date(options.now())
  const { monotonicNow, random, record, readBundle } = options
  const batchMs = () =>
    SURVEY_BATCH_MS + Math.min(CROWDED_BATCH_MS.most, slots.waiting() * CROWDED_BATCH_MS.each)
  const survey = createSurveyor({ send, sleep, monotonicNow, random, batchMs })
  const recall = async (lineage: Lineage) => {
    const receipt = await options.recall(lineage)
    replacementLog.recalled(lineage.id, receipt.replacement)
    return receipt
  }
  const onChange = (lineage: Lineage, replacement: Replacement) => {
    replacementLog.changed(lineage.id, replacement)
    options.onChange(lineage, replacement)
  }
  const deps: ReplaceDeps = {
    ...{ send, survey, sleep, now, monotonicNow, random, recall, record, readBundle, onChange },
    shakeHands: options.shakeHands ?? shakeHands,
    roots: () => rootCertificates,
    inSlot: slots.run,
    onCrowded: () => slots.limit(1),
    othersWait: () => slots.waiting() > 0,
  }
  const onRetired = (lineage: Lineage, id: string, how: 'silenced' | 'deleted') => {
    const entry = retiredEntry(lineage.id, id, how)
    log[entry.level](entry.fields, entry.message)
  }
  /** The certificate is in place; that an older one is kept is logged, and does not stop anything. */
  const retire = async (lineage: Lineage): Promise<Fault | undefined> => {
    try {
      await retireOlder(lineage, { ...deps, recallAll: receipts.all, onRetired })
      return undefined
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (error.code === 'DEADLINE' || error.code === 'INTERRUPTED') return undefined
      replacementLog.notRetired(lineage.id, error)
      return error
    }
  }
  return {
    examine: async (lineages, wanted) => {
      const [only, ...more] = lineages
      // retirement asks what other lineages use; a hook has one lineage, among thousands perhaps
      const isAlone = only !== undefined && !more.length && only.deploy.retire === 'keep'
      const all = isAlone ? [await recall(only)] : await receipts.all()
      const known = new Map(all.map(receipt => [receipt.lineage, receipt]))
      const due: Lineage[] = []
      const others = new Map<string, ReplacementResult>()
      for (const lineage of lineages) {
        const receipt = known.get(lineage.id)
        const chain = receipt && chainOf(receipt, lineage.deploy, endpoint)
        if (!receipt || !chain || (!chain.older.length && !receipt.replacement)) {
          others.set(lineage.id, { replacement: undefined, from: [] })
          continue
        }
        const replacement = currentReplacement(receipt, chain, now())
        const isWaiting = wanted.honourNextCheck && (replacement.nextCheckAt ?? '') > now().toISOString()
        const isRetiring = !isWaiting && isRetirementDue(receipt, all, lineage, now())
        if (isRetiring || isDue(replacement, chain, lineage, now(), wanted)) due.push(lineage)
        else {
          const fault = faultOf(replacement)
          others.set(lineage.id, { replacement, from: chain.older, ...(fault && { fault }) })
        }
      }
      return { due, others }
    },
    replace: async (lineage, run) => {
      const { dryRun, onChange: tell = () => {}, ...options } = run
      if (dryRun) return planReplacement(lineage, deps, { ...options, endpoint })
      const observed: ReplaceDeps = {
        ...deps,
        onChange: (one, replacement) => {
          onChange(one, replacement)
          tell(replacement)
        },
      }
      const result = await replaceCertificate(lineage, observed, { ...options, endpoint })
      if (result.fault) return result
      const fault = await retire(lineage)
      return { ...result, ...(fault && { fault }) }
    },
    rollBack: lineage => rollBack(lineage, deps, endpoint),
  }
}

/** A refusal names the right that is missing: the advice of an upload names another. */
function naming(action: string, error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== 'API_FORBIDDEN') return error
  const { message, apiCode, requestId } = error
  return new Fault('API_FORBIDDEN', message, {
    cause: error,
    advice: `Allow this key the action ssl:${action}: docs/deploy.md has the policy to paste.`,
    ...(apiCode && { apiCode }),
    ...(requestId && { requestId }),
  })
}
