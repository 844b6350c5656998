/** What the state of a replacement means: whether it is due, and why it is not finished. Pure. */
import { FAULTS, Fault, type FaultCode } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import {
  type BoundResource,
  isUnfinished,
  newReplacement,
  type Replacement,
  type ReplacementState,
} from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { Chain } from './chain.ts'

const FINISHED: ReadonlySet<ReplacementState> = new Set(['nothing-bound', 'verified', 'none'])

/** The recorded one, or a new one where another certificate is current; jobs that are under way stay known. */
export function currentReplacement({ replacement }: Receipt, { current }: Chain, now: Date): Replacement {
  if (replacement?.to === current.certificateId) return replacement
  return newReplacement(current.certificateId, now, replacement?.jobs.filter(isUnfinished) ?? [])
}

export interface DueOptions {
  readonly force: boolean
  readonly isNow?: boolean
  readonly honourNextCheck?: boolean
}

export function isDue(
  replacement: Replacement,
  { unknown }: Chain,
  { deploy }: Lineage,
  now: Date,
  { force, isNow = false, honourNextCheck = false }: DueOptions,
): boolean {
  const { state, nextCheckAt, jobs } = replacement
  if (force || jobs.some(isUnfinished)) return true
  if (isHeld(replacement)) return false
  if (isNow) return true
  if (honourNextCheck && nextCheckAt !== undefined && nextCheckAt > now.toISOString()) return false
  const isFinished = FINISHED.has(state) || (state === 'replaced' && !deploy.verify)
  return !isFinished || unknown.length > 0
}

/** By an operator, until the next renewal; one that a gate holds is checked again. */
export const isHeld = ({ state, nextCheckAt }: Pick<Replacement, 'state' | 'nextCheckAt'>): boolean =>
  state === 'held' && nextCheckAt === undefined

/** Another process has rolled it back meanwhile. */
export const heldFault = ({ reason = 'it is held' }: Replacement) => new Fault('REPLACEMENT_HELD', reason)

export const outOfTime = (replacement: Replacement) =>
  faultOf(replacement) ?? new Fault('REPLACEMENT_RUNNING', 'it is in place, and not verified yet')

export const resourceOf = ({
  certificateId,
  type,
  region,
  instance,
  domains,
}: BoundResource): BoundResource => ({
  certificateId,
  type,
  region,
  instance,
  domains,
})

/** What was bound when it began stays known: those are the names to verify at the end. */
export function mergeResources(
  before: readonly BoundResource[],
  found: readonly BoundResource[],
): readonly BoundResource[] {
  const key = ({ type, region, instance, domains }: BoundResource) =>
    JSON.stringify([type, region, instance, domains])
  const all = new Map([...before, ...found.map(resourceOf)].map(one => [key(one), one]))
  return [...all.values()]
}

export function partlyReason({ jobs }: Replacement, bound: readonly BoundResource[]) {
  const failures = jobs.flatMap(job => job.failures)
  const left = bound.map(({ type, region, instance, domains, certificateId }) => {
    const failure = failures.find(
      one =>
        one.type === type && (one.instance === instance || one.domains.some(name => domains.includes(name))),
    )
    const what = [type, region, instance, domains.join(' ')].filter(Boolean).join(' ')
    return `${what} still uses ${certificateId}${failure ? ` (${failure.message})` : ''}`
  })
  const more = left.length > 3 ? `; and ${left.length - 3} more` : ''
  return { reason: `${left.slice(0, 3).join('; ')}${more}` }
}

/** What the state means for the exit code; undefined where nothing is wrong. */
export function faultOf(replacement: Replacement): Fault | undefined {
  const { state, reason = 'it is not finished', advice, jobs, code } = replacement
  const detail = advice === undefined ? {} : { advice }
  switch (state) {
    case 'none':
    case 'nothing-bound':
    case 'replaced':
    case 'verified':
    case 'unverified':
      return undefined
    case 'uncovered':
      return new Fault('NOT_COVERED', reason, detail)
    case 'untrusted':
      return new Fault('NOT_TRUSTED', reason, detail)
    case 'held':
      return isHeld(replacement) ? undefined : new Fault('REPLACEMENT_HELD', reason, detail)
    case 'partly':
      return new Fault('REPLACEMENT_FAILED', reason, detail)
    case 'stale':
      return new Fault('EDGE_STALE', reason, detail)
    default: {
      // what stopped it last: a missing right stays one until it is tried again
      if (code && Object.hasOwn(FAULTS, code)) return new Fault(code as FaultCode, reason, detail)
      const record = jobs.find(isUnfinished)?.recordId
      return new Fault(
        'REPLACEMENT_RUNNING',
        record ? `record ${record} is under way at the service` : reason,
        detail,
      )
    }
  }
}

export const incompleteFault = (ids: readonly string[], problems: readonly string[]): Fault =>
  new Fault(
    'REPLACEMENT_RUNNING',
    `it is not known where ${ids.join(', ')} is bound: ${[...new Set(problems)].join('; ')}`,
    { advice: 'The next run asks again.' },
  )
