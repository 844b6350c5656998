/** Puts the previous certificate back where the current one is, and holds it there until the next renewal. */
import { Fault } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import {
  enter,
  isUnfinished,
  type Job,
  type Replacement,
  type ReplacementResult,
} from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import { type Chain, chainOf } from './chain.ts'
import { findUnfinished, runJob, withJob } from './job.ts'
import { askedOf } from './jobReply.ts'
import { isApiCode } from './polls.ts'
import type { ReplaceDeps } from './replaceCertificate.ts'
import { rollBackRecord, scopeOf } from './requests.ts'
import { currentReplacement, partlyReason } from './state.ts'
import type { Survey } from './survey.ts'

/** A record that cannot be rolled back: the pair is asked for the other way round. */
const NO_ROLLBACK = [
  'FailedOperation.CertificateDeployRollbackStatusInvalid',
  'FailedOperation.CertificateDeployDetailRollbackStatusInvalid',
  'FailedOperation.CertificateDeployNotExist',
  'InvalidAction',
] as const

/** @throws Fault where there is nothing to go back to, or of the service. */
export async function rollBack(
  lineage: Lineage,
  deps: ReplaceDeps,
  endpoint: string,
): Promise<ReplacementResult> {
  const { recall, send, now } = deps
  const receipt = await recall(lineage)
  const chain = chainOf(receipt, lineage.deploy, endpoint)
  const to = chain && previousOf(receipt, chain, endpoint, now())
  if (!chain || to === undefined)
    throw new Fault('LINEAGE_UNKNOWN', `no earlier certificate ID of ${lineage.id} is known`, {
      advice: 'Bind another certificate in the console.',
    })
  const from = chain.current.certificateId
  const hold = holder(lineage, deps, to, currentReplacement(receipt, chain, now()))
  // before anything is asked for: a daemon beside this process must not put the new one back
  await hold(`${to} is being put back`)
  await settle(hold, deps)
  const found = await boundTo(from, deps)
  if (!found.length && !(await boundTo(to, deps)).length) {
    await hold.release()
    throw new Fault('REPLACEMENT_FAILED', `${from} is bound nowhere, so there is nothing to roll back`)
  }
  // where nothing is bound to it any more, an earlier rollback has ended meanwhile
  const last =
    found.length === 0
      ? undefined
      : hold.current().jobs.find(job => job.to === from && job.from === to && job.done > 0)
  const recordId = last?.recordId ? await askForRollback(last.recordId, send) : undefined
  if (recordId) await run({ ...newJob(from, to, found, now()), recordId, isRollback: true }, hold, deps)
  // what no record put there, or what its rollback left
  const rest = recordId ? await boundTo(from, deps) : found
  if (rest.length) await run(newJob(from, to, rest, now()), hold, deps)
  const left = rest.length ? await boundTo(from, deps) : []
  if (!left.length) {
    await hold(`rolled back to ${to}; the next renewal is put in place again`)
    return { replacement: hold.current(), from: [from] }
  }
  const { reason } = partlyReason(hold.current(), left)
  await hold(`not everything is back on ${to}: ${reason}`)
  const fault = new Fault('REPLACEMENT_FAILED', `not everything is back on ${to}: ${reason}`)
  return { replacement: hold.current(), from: [from], fault }
}

/**
 * What the current one took the place of; where that is not known, the newest earlier one, which may never have been bound.
 * @throws Fault EXPIRED.
 */
function previousOf(
  { superseded, replacement }: Receipt,
  { current: { certificateId } }: Chain,
  endpoint: string,
  now: Date,
): string | undefined {
  const earlier = superseded.filter(
    one => (one.endpoint ?? endpoint) === endpoint && one.certificateId !== certificateId,
  )
  const isDeleted = (id: string) => earlier.some(one => one.certificateId === id && one.deletedAt)
  const replaced = replacement?.jobs.find(
    ({ from, to, done }) => to === certificateId && done > 0 && !isDeleted(from),
  )?.from
  const previous = replaced ?? earlier.find(({ deletedAt }) => !deletedAt)?.certificateId
  const known = earlier.find(one => one.certificateId === previous)
  if (known && new Date(known.notAfter) <= now)
    throw new Fault(
      'EXPIRED',
      `the previous certificate, ${known.certificateId}, ended on ${known.notAfter}`,
      {
        advice: 'Renew the certificate, or bind another in the console.',
      },
    )
  return previous
}

interface Hold {
  (reason: string, jobs?: readonly Job[]): Promise<void>
  readonly current: () => Replacement
  /** Back to what it was before. */
  readonly release: () => Promise<void>
}

/** Records that the lineage is held, why, and the jobs that are under way for it. */
function holder(lineage: Lineage, deps: ReplaceDeps, to: string, before: Replacement): Hold {
  const { record, now, onChange } = deps
  let replacement = before
  const hold = async (reason: string, jobs = replacement.jobs) => {
    replacement = enter({ ...replacement, jobs }, 'held', now(), { reason })
    await record(lineage, receipt => ({
      ...receipt,
      replacement,
      superseded: receipt.superseded.map(one =>
        one.certificateId === to ? { ...one, bound: 'yes', boundAt: now().toISOString() } : one,
      ),
    }))
    onChange(lineage, replacement)
  }
  const release = () => record(lineage, receipt => ({ ...receipt, replacement: before }))
  return Object.assign(hold, { current: () => replacement, release })
}

/** Jobs that an earlier run has left are followed to their end, or given up where the service has no record of them. */
async function settle(hold: Hold, deps: ReplaceDeps): Promise<void> {
  for (const job of hold.current().jobs.filter(isUnfinished)) {
    const recordId = job.recordId ?? (await findUnfinished(job, deps))?.recordId
    if (recordId) await run({ ...job, recordId }, hold, deps)
    else
      await hold(reasonOf(hold), withJob(hold.current().jobs, { ...job, endedAt: deps.now().toISOString() }))
  }
}

const reasonOf = (hold: Hold) => hold.current().reason ?? ''

async function run(job: Job, hold: Hold, deps: ReplaceDeps): Promise<void> {
  const save = (next: Job) => hold(reasonOf(hold), withJob(hold.current().jobs, next))
  await runJob(job, { ...deps, save })
}

/** @throws Fault REPLACEMENT_RUNNING where the search left something out and found nothing. */
async function boundTo(id: string, { survey }: ReplaceDeps): Promise<Survey['resources']> {
  const found = (await survey([id], { isCached: false, detail: 'all' })).get(id)
  if (!found?.resources.length && !found?.isComplete)
    throw new Fault('REPLACEMENT_RUNNING', `it is not known where ${id} is bound`, {
      advice: 'Run it again.',
    })
  return found.resources
}

const newJob = (from: string, to: string, found: Survey['resources'], now: Date): Job => ({
  ...{ from, to, ...scopeOf(found, from), askedAt: now.toISOString() },
  ...{ total: 0, done: 0, failures: [] },
})

async function askForRollback(recordId: string, send: ReplaceDeps['send']): Promise<string | undefined> {
  try {
    return askedOf(await send(rollBackRecord(recordId))).recordId
  } catch (error) {
    if (!isApiCode(error, ...NO_ROLLBACK)) throw error
    return undefined
  }
}
