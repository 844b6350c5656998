/**
 * Silences the reminders of superseded certificates, or deletes them: only where the operator asks for it, only IDs that this
 * host's upload created, and only when nothing uses them any more.
 */
import { Fault } from '../errors.ts'
import type { Receipt, Superseded } from '../receipts/receipt.ts'
import type { Replacement } from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { Reply } from '../tencent/response.ts'
import { DELETION_POLLS_MS } from '../util/schedule.ts'
import type { ShakeHands } from './handshake.ts'
import { deletionsIn, deletionTaskOf } from './jobReply.ts'
import { isApiCode, pollDelay } from './polls.ts'
import { deleteUnused, MAX_SILENCED, type Request, readDeletions, silenceReminders } from './requests.ts'
import type { SurveyIds } from './survey.ts'
import { probesFor } from './verify.ts'

const DAY_MS = 86_400_000

/** Deletions of one lineage in one run: an error must not empty an account. */
const MAX_DELETIONS = 10

/** After so many polls a deletion is left to the next run. */
const MAX_POLLS = 12

export interface RetireDeps {
  readonly send: (request: Request) => Promise<Reply>
  readonly survey: SurveyIds
  readonly sleep: (ms: number) => Promise<void>
  readonly now: () => Date
  readonly random: () => number
  readonly recall: (lineage: Lineage) => Promise<Receipt>
  /** Every receipt of this host. */
  readonly recallAll: () => Promise<readonly Receipt[]>
  readonly record: (lineage: Lineage, amend: (receipt: Receipt) => Receipt) => Promise<void>
  readonly shakeHands: ShakeHands
  readonly onRetired: (lineage: Lineage, certificateId: string, how: 'silenced' | 'deleted') => void
}

/** The IDs whose reminders are to be silenced, and those to be deleted. */
export function retirable(
  receipt: Receipt,
  others: readonly Receipt[],
  { deploy }: Pick<Lineage, 'deploy'>,
  now: Date,
): { readonly silence: readonly string[]; readonly remove: readonly string[] } {
  const { uploaded, superseded, replacement } = receipt
  if (deploy.retire === 'keep' || !uploaded || !isSettled(replacement, uploaded.certificateId, now))
    return { silence: [], remove: [] }
  const inUse = new Set(
    others
      .filter(({ lineage }) => lineage !== receipt.lineage)
      .flatMap(other => [
        ...(other.uploaded ? [other.uploaded.certificateId] : []),
        ...other.superseded.filter(({ bound }) => bound !== 'no').map(({ certificateId }) => certificateId),
      ]),
  )
  const own = superseded.filter(
    one =>
      one.bound === 'no' &&
      !one.deletedAt &&
      (one.endpoint ?? uploaded.endpoint) === uploaded.endpoint &&
      one.certificateId !== uploaded.certificateId &&
      !inUse.has(one.certificateId),
  )
  const ids = (all: readonly Superseded[]) => all.map(({ certificateId }) => certificateId)
  const silence = ids(own.filter(({ silencedAt }) => !silencedAt))
  const isProven = replacement?.state === 'verified' || replacement?.state === 'nothing-bound'
  if (deploy.retire !== 'delete' || !isProven) return { silence, remove: [] }
  const kept = new Set(ids(superseded.slice(0, deploy.keep)))
  const remove = own.filter(one => {
    const isPast = new Date(one.notAfter) <= now
    const age = now.getTime() - Date.parse(one.supersededAt)
    return (
      one.reused === false && !kept.has(one.certificateId) && (isPast || age >= deploy.graceDays * DAY_MS)
    )
  })
  return { silence, remove: ids(remove).slice(0, MAX_DELETIONS) }
}

/** Verified, bound nowhere, or in place for a day without a contradiction. */
function isSettled(replacement: Replacement | undefined, current: string, now: Date): boolean {
  if (replacement?.to !== current) return false
  const { state, replacedAt } = replacement
  if (state === 'verified' || state === 'nothing-bound') return true
  return (
    state === 'unverified' && replacedAt !== undefined && now.getTime() - Date.parse(replacedAt) >= DAY_MS
  )
}

/** Whether `retireOlder` would send a request. */
export function isRetirementDue(...about: Parameters<typeof retirable>): boolean {
  const { silence, remove } = retirable(...about)
  return silence.length > 0 || remove.length > 0
}

/** What is not retired now, for whatever reason, is taken up a day later by a daemon. @throws Fault of the service. */
export async function retireOlder(lineage: Lineage, deps: RetireDeps): Promise<void> {
  const { now, recall, recallAll, record } = deps
  const isLeft = async () => isRetirementDue(await recall(lineage), await recallAll(), lineage, now())
  if (lineage.deploy.retire === 'keep' || !(await isLeft())) return
  try {
    await retireNow(lineage, deps)
  } finally {
    const nextCheckAt = new Date(now().getTime() + DAY_MS).toISOString()
    if (await isLeft())
      await record(lineage, ({ replacement, ...receipt }) => ({
        ...receipt,
        ...(replacement && { replacement: { ...replacement, nextCheckAt } }),
      }))
  }
}

async function retireNow(lineage: Lineage, deps: RetireDeps): Promise<void> {
  const { now, recall, recallAll, send, record, onRetired } = deps
  const { silence, remove } = retirable(await recall(lineage), await recallAll(), lineage, now())
  const mark = (ids: readonly string[], change: Partial<Superseded>) =>
    record(lineage, receipt => ({
      ...receipt,
      superseded: receipt.superseded.map(one =>
        ids.includes(one.certificateId) ? { ...one, ...change } : one,
      ),
    }))
  for (let i = 0; i < silence.length; i += MAX_SILENCED) {
    const batch = silence.slice(i, i + MAX_SILENCED)
    const silenced = await silenceAll(batch, send)
    // one that is gone needs no silence
    await mark(batch, { silencedAt: now().toISOString() })
    for (const id of silenced) onRetired(lineage, id, 'silenced')
  }
  if (!remove.length) return
  const surveys = await deps.survey(remove, { isCached: false, detail: 'all' })
  for (const id of remove) {
    const survey = surveys.get(id)
    if (!survey?.isComplete) continue
    const isUsed = survey.resources.length > 0 || (!survey.isGone && (await isServed(id, lineage, deps)))
    const end = isUsed ? 'bound' : survey.isGone ? 'deleted' : await remover(id, deps)
    if (end === 'deleted') {
      await mark([id], { deletedAt: now().toISOString() })
      onRetired(lineage, id, 'deleted')
    } else if (end === 'bound') await mark([id], { bound: 'yes', boundAt: now().toISOString() })
  }
}

/**
 * Whether an address of the lineage's names still serves it. The service's search, and with it the check of a deletion, does not
 * see a listener's second certificate; a handshake by a client of its kind does.
 */
async function isServed(
  id: string,
  lineage: Lineage,
  { recall, shakeHands }: Pick<RetireDeps, 'recall' | 'shakeHands'>,
): Promise<boolean> {
  const { uploaded, superseded } = await recall(lineage)
  const leaf = superseded.find(({ certificateId }) => certificateId === id)?.leaf
  if (!lineage.deploy.verify || !uploaded || leaf === undefined) return false
  const names = uploaded.names.filter(name => !name.startsWith('*.'))
  const probes = probesFor(names, names, lineage.deploy.probes)
  // no leaf counts as current: each address is asked by clients of both kinds
  const handshakes = await shakeHands(probes, { current: '', earlier: new Set([leaf]) })
  return handshakes.some(one => one.leaf === 'old')
}

/** Those of them that the account has: one that it has not spoils the request for all. */
async function silenceAll(ids: readonly string[], send: RetireDeps['send']): Promise<readonly string[]> {
  try {
    await send(silenceReminders(ids))
    return ids
  } catch (error) {
    if (!isApiCode(error, 'FailedOperation.CertificateNotFound')) throw error
    if (ids.length === 1) return []
    const middle = Math.ceil(ids.length / 2)
    return [...(await silenceAll(ids.slice(0, middle), send)), ...(await silenceAll(ids.slice(middle), send))]
  }
}

/** Deletes one ID, with the service's own check. What is not certain is left to the next run. */
async function remover(
  id: string,
  { send, sleep, random }: RetireDeps,
): Promise<'deleted' | 'bound' | 'later'> {
  const isGone = (error: unknown) => isApiCode(error, 'FailedOperation.CertificateNotFound')
  const ask = () => send(deleteUnused(id)).then(deletionTaskOf)
  let task: string | undefined
  try {
    task = await ask()
  } catch (error) {
    if (isGone(error)) return 'deleted'
    if (isApiCode(error, 'FailedOperation.BoundResources', 'FailedOperation.DeleteResourceFailed'))
      return 'bound'
    throw error
  }
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    await sleep(pollDelay(DELETION_POLLS_MS, polls, random()))
    try {
      const { state = 'running', message = '' } = task
        ? (deletionsIn(await send(readDeletions([task]))).get(id) ?? {})
        : await ask().then(() => ({}) as { state?: undefined; message?: undefined })
      if (state === 'deleted' || state === 'bound') return state
      if (state === 'role')
        throw new Fault('API_ROLE_MISSING', `the service could not check what uses ${id}: ${message}`)
      if (state !== 'running') return 'later'
    } catch (error) {
      if (isGone(error)) return 'deleted'
      // the international site has no such action: asking again shows whether it is gone
      if (!isApiCode(error, 'InvalidAction')) throw error
      task = undefined
    }
  }
  return 'later'
}
