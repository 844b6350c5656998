/** Puts the previous certificate back where the current one is, and holds it there until the next renewal. */
import { Fault } from '../errors.ts'
import { enter, type Job, type ReplacementResult, type ReplacementState } from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import { chainOf } from './chain.ts'
import { runJob, withJob } from './job.ts'
import { askedOf } from './jobReply.ts'
import type { ReplaceDeps } from './replaceCertificate.ts'
import { rollBackRecord, scopeOf } from './requests.ts'
import { currentReplacement } from './state.ts'
import { isApiCode } from './survey.ts'

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
  const { recall, record, survey, send, now, onChange } = deps
  const receipt = await recall(lineage)
  const chain = chainOf(receipt, lineage.deploy, endpoint)
  const previous = receipt.superseded.find(
    one =>
      !one.deletedAt &&
      chain &&
      (one.endpoint ?? endpoint) === endpoint &&
      one.certificateId !== chain.current.certificateId,
  )
  if (!chain || !previous)
    throw new Fault('LINEAGE_UNKNOWN', `no earlier certificate ID of ${lineage.id} is known`, {
      advice: 'Bind another certificate in the console.',
    })
  const from = chain.current.certificateId
  const to = previous.certificateId
  let replacement = currentReplacement(receipt, chain, now())
  const last = replacement.jobs.find(
    job => job.to === from && job.from === to && job.recordId && job.done > 0,
  )
  const hold = async (jobs = replacement.jobs) => {
    const reason = `rolled back to ${to}; the next renewal is put in place again`
    replacement = enter({ ...replacement, jobs }, 'held', now(), { reason })
    await record(lineage, one => ({
      ...one,
      replacement,
      superseded: one.superseded.map(entry =>
        entry.certificateId === to ? { ...entry, bound: 'yes', boundAt: now().toISOString() } : entry,
      ),
    }))
    onChange(lineage, replacement)
  }
  // before anything is asked for: a daemon beside this process must not put the new one back
  await hold()
  const found = (await survey([from], { isCached: false, detail: 'all' })).get(from)
  if (!found?.isComplete && !found?.resources.length)
    throw new Fault('REPLACEMENT_RUNNING', `it is not known where ${from} is bound`, {
      advice: 'Run it again.',
    })
  if (!found.resources.length)
    throw new Fault('REPLACEMENT_FAILED', `${from} is bound nowhere, so there is nothing to roll back`)
  const base = { from, to, ...scopeOf(found.resources, from), askedAt: now().toISOString() }
  const recordId = last?.recordId ? await askForRollback(last.recordId, send) : undefined
  const job: Job = {
    ...base,
    total: 0,
    done: 0,
    failures: [],
    ...(recordId && { recordId, isRollback: true }),
  }
  const save = (next: Job, _state: ReplacementState) => hold(withJob(replacement.jobs, next))
  const ended = await runJob(job, { ...deps, save })
  const failures = ended.job.failures
  if (ended.end !== 'ended' || failures.length) {
    const why = failures[0]?.message ?? 'the service found nothing to change'
    const fault = new Fault('REPLACEMENT_FAILED', `not everything is back on ${to}: ${why}`)
    return { replacement, from: [from], fault }
  }
  return { replacement, from: [from] }
}

async function askForRollback(recordId: string, send: ReplaceDeps['send']): Promise<string | undefined> {
  try {
    return askedOf(await send(rollBackRecord(recordId))).recordId
  } catch (error) {
    if (!isApiCode(error, ...NO_ROLLBACK)) throw error
    return undefined
  }
}
