/**
 * How far the replacement of a lineage's older certificate IDs has come, as it is kept in the state.
 *
 * The wanted state is a question: no older ID is bound anywhere, and the new certificate is served where they were. What is
 * kept here saves requests and shows an operator what is under way; what a survey and a handshake say is the truth. Pure.
 */

import { type Fault, faultJson } from '../errors.ts'

/**
 * none          replacing is off, or no older ID is known
 * surveying     where older IDs are bound is not known yet
 * nothing-bound no older ID is bound anywhere
 * uncovered     an older ID is bound to names that the new certificate does not cover
 * untrusted     the new certificate must not go live: its chain ends at no public root
 * asked         the service is asked to replace, and has named no record yet
 * running       the service's job is under way
 * foreign       another job of the account is under way for the same older ID
 * partly        the job has ended, and an older ID is still bound
 * replaced      no older ID is bound any more; not verified yet, or not to be verified
 * verified      every address that answered serves the new certificate
 * unverified    the addresses cannot be asked from here, or serve another certificate
 * stale         the service reports success, and an address still serves an older certificate
 * held          nothing is replaced until the next renewal, or until an operator says so
 */
export const REPLACEMENT_STATES = [
  ...['none', 'surveying', 'nothing-bound', 'uncovered', 'untrusted', 'asked', 'running', 'foreign'],
  ...['partly', 'replaced', 'verified', 'unverified', 'stale', 'held'],
] as const

export type ReplacementState = (typeof REPLACEMENT_STATES)[number]

/** A resource of the account that uses a certificate. */
export interface Resource {
  /** As the service writes it: `clb`, `cdn`, `teo`. */
  readonly type: string
  /** Empty for products without regions. */
  readonly region: string
  /** What the product calls it: a load balancer with its listener, a domain, a bucket. */
  readonly instance: string
  readonly domains: readonly string[]
}

export interface BoundResource extends Resource {
  readonly certificateId: string
}

export interface Failure extends Resource {
  readonly message: string
}

/** One job of the service: every resource that uses `from` is to use `to`. */
export interface Job {
  readonly from: string
  readonly to: string
  readonly types: readonly string[]
  /** By type; a regional type that is not named here is not searched. */
  readonly regions: Readonly<Record<string, readonly string[]>>
  readonly askedAt: string
  /** A number of up to 64 bits, as text. */
  readonly recordId?: string
  readonly requestId?: string
  readonly endedAt?: string
  /** The service was asked once more for what had failed. */
  readonly retried?: boolean
  /** It takes another job back: what is rolled back is done. */
  readonly isRollback?: boolean
  readonly total: number
  readonly done: number
  readonly failures: readonly Failure[]
}

/** new: the current leaf. old: an earlier one of this lineage. other: a stranger's. none: no handshake. */
export type ServedLeaf = 'new' | 'old' | 'other' | 'none'

export interface Handshake {
  readonly name: string
  /** With its port. */
  readonly address: string
  readonly leaf: ServedLeaf
  /** Why there was no handshake, or whose certificate it is. */
  readonly detail?: string
}

export interface Replacement {
  /** The ID that is to take the place of the older ones. */
  readonly to: string
  readonly state: ReplacementState
  /** When this state began. */
  readonly since: string
  /** When replacing by `to` began. */
  readonly startedAt: string
  /** When no older ID was bound any more. */
  readonly replacedAt?: string
  /** Where older IDs were bound when that was found out last. */
  readonly resources: readonly BoundResource[]
  /** IDs of `replaces` that are bound nowhere. */
  readonly unbound?: readonly string[]
  /** IDs of `replaces` that are bound only where nothing is to be replaced. */
  readonly left?: readonly string[]
  /** Newest first. */
  readonly jobs: readonly Job[]
  readonly handshakes: readonly Handshake[]
  /** Of the first of two rounds in which every address that answered had the new leaf. */
  readonly firstRoundAt?: string
  /** Why it is not further, in words; what to do about it. */
  readonly reason?: string
  readonly advice?: string
  /** A fault's code. */
  readonly code?: string
  /** When it is checked again without a change. */
  readonly nextCheckAt?: string
  /** How often in a row it came no further. */
  readonly attempts: number
}

/** What became of a replacement in one run. */
export interface ReplacementResult {
  /** Undefined where there is nothing to replace. */
  readonly replacement: Replacement | undefined
  /** The older IDs that were bound, or may still be. */
  readonly from: readonly string[]
  /** With --dry-run, the resources that would be switched. */
  readonly planned?: readonly BoundResource[]
  /** The last older ID gave way in this run. */
  readonly isNew?: boolean
  /** Why it is not finished. */
  readonly fault?: Fault
}

export const isUnfinished = ({ endedAt }: Job): boolean => endedAt === undefined

/** Enters a state; what belonged to the state before is dropped. How often it came no further stays known. */
export function enter(
  before: Replacement,
  state: ReplacementState,
  now: Date,
  more: Partial<Pick<Replacement, 'reason' | 'advice' | 'code' | 'nextCheckAt' | 'attempts'>> = {},
): Replacement {
  const { reason: _, advice: __, code: ___, nextCheckAt: ____, ...kept } = before
  return {
    ...kept,
    ...more,
    state,
    since: before.state === state ? before.since : now.toISOString(),
  }
}

export const newReplacement = (to: string, now: Date, jobs: readonly Job[] = []): Replacement => ({
  to,
  state: 'surveying',
  since: now.toISOString(),
  startedAt: now.toISOString(),
  resources: [],
  jobs,
  handshakes: [],
  attempts: 0,
})

type Members = Readonly<Record<string, unknown>>

const isText = (value: unknown): value is string => typeof value === 'string'
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isTextOrAbsent = (value: unknown) => value === undefined || isText(value)
const isDateOrAbsent = (value: unknown) =>
  value === undefined || (isText(value) && !Number.isNaN(Date.parse(value)))
const areTexts = (value: unknown) => Array.isArray(value) && value.every(isText)
const are = (check: (one: Members) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(one => isMembers(one) && check(one))

const isResource = ({ type, region, instance, domains }: Members) =>
  [type, region, instance].every(isText) && areTexts(domains)

const areFailures = are(one => isResource(one) && isText(one.message))

const isJob = (job: Members) =>
  [job.from, job.to, job.askedAt].every(isText) &&
  areTexts(job.types) &&
  isMembers(job.regions) &&
  Object.values(job.regions).every(areTexts) &&
  [job.recordId, job.requestId].every(isTextOrAbsent) &&
  isDateOrAbsent(job.endedAt) &&
  isCount(job.total) &&
  isCount(job.done) &&
  areFailures(job.failures)

const isHandshake = ({ name, address, leaf, detail }: Members) =>
  isText(name) &&
  isText(address) &&
  ['new', 'old', 'other', 'none'].includes(leaf as string) &&
  isTextOrAbsent(detail)

/** The replacement in a document of the state; undefined where it is not one: then the survey begins again. */
export function replacementFrom(value: unknown): Replacement | undefined {
  if (!isMembers(value)) return undefined
  const isWhole =
    isText(value.to) &&
    (REPLACEMENT_STATES as readonly unknown[]).includes(value.state) &&
    isText(value.since) &&
    isText(value.startedAt) &&
    [value.since, value.startedAt, value.replacedAt, value.firstRoundAt, value.nextCheckAt].every(
      isDateOrAbsent,
    ) &&
    are(one => isResource(one) && isText(one.certificateId))(value.resources) &&
    [value.unbound, value.left].every(ids => ids === undefined || areTexts(ids)) &&
    are(isJob)(value.jobs) &&
    are(isHandshake)(value.handshakes) &&
    [value.reason, value.advice, value.code].every(isTextOrAbsent) &&
    isCount(value.attempts)
  return isWhole ? (value as unknown as Replacement) : undefined
}

interface Counts {
  readonly total: number
  readonly done: number
  readonly failed: number
}

/** Resources of all jobs for the current ID: what a job left is part of the next one for the same older ID. */
export function countsOf({ to, jobs }: Pick<Replacement, 'to' | 'jobs'>): Counts {
  const byId = Map.groupBy(
    jobs.filter(job => job.to === to),
    ({ from }) => from,
  )
  const counts = [...byId.values()].map(own => {
    const total = Math.max(...own.map(job => job.total))
    const done = own.reduce((sum, job) => sum + job.done, 0)
    return { total, done: Math.min(total, done), failed: own[0]?.failures.length ?? 0 }
  })
  const sum = (name: keyof Counts) => counts.reduce((all, one) => all + one[name], 0)
  return { total: sum('total'), done: sum('done'), failed: sum('failed') }
}

/** As it stands in `--json`. */
export function replacementJson({ replacement, from, fault, planned }: ReplacementResult) {
  if (!replacement)
    return {
      state: 'none' as const,
      from: [],
      recordId: null,
      resources: NO_COUNTS,
      failures: [],
      verified: [],
    }
  const own = replacement.jobs.filter(({ to }) => to === replacement.to)
  return {
    state: replacement.state,
    from,
    recordId: own.find(({ recordId }) => recordId)?.recordId ?? null,
    resources: countsOf(replacement),
    failures: own.find(({ failures }) => failures.length)?.failures ?? [],
    ...(planned && { planned }),
    verified: replacement.handshakes.map(({ name, address, leaf }) => ({ name, address, leaf })),
    ...(fault && { fault: faultJson(fault) }),
  }
}

const NO_COUNTS: Counts = { total: 0, done: 0, failed: 0 }

/** Whether it goes on at the service or in the next run. */
export const isUnderWay = ({ replacement, fault }: ReplacementResult): boolean =>
  replacement !== undefined && fault?.exit === 75
