/**
 * Puts a lineage's current certificate in place of its older ones: survey, gates, replace, follow, survey again, verify.
 *
 * Each run asks how far that is and takes the steps that are left. What is about to be done is recorded before it is done,
 * so that a run that was killed anywhere is continued by the next one, on this host or another.
 */
import type { Bundle } from '../certificate/bundle.ts'
import { isReplaced } from '../config/deploy.ts'
import { Fault } from '../errors.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type {
  BoundResource,
  Job,
  Replacement,
  ReplacementResult,
  ReplacementState,
} from '../receipts/replacement.ts'
import type { Lineage } from '../sources/lineage.ts'
import { type Chain, chainOf } from './chain.ts'
import { covers, obstacleTo } from './gates.ts'
import { JobRunner, type JobRunnerDeps } from './jobRunner.ts'
import { type RecordDeps, ReplacementRecord } from './replacementRecord.ts'
import {
  currentReplacement,
  faultOf,
  heldFault,
  incompleteFault,
  isDue,
  isHeld,
  mergeResources,
  outOfTime,
  partlyReason,
  resourceOf,
} from './state.ts'
import type { Survey, SurveyIds } from './survey.ts'
import { UNCOUNTED } from './surveyReply.ts'
import { type VerifyDeps, verifyEdge } from './verifyEdge.ts'

export interface ReplaceDeps extends JobRunnerDeps, RecordDeps, VerifyDeps {
  readonly recall: (lineage: Lineage) => Promise<Receipt>
  /** Chain and key as they are on disk. @throws Fault of the files. */
  readonly readBundle: (lineage: Lineage) => Promise<Bundle>
  readonly survey: SurveyIds
  /** Root certificates as PEM. */
  readonly roots: () => readonly string[]
}

export interface ReplaceOptions {
  readonly endpoint: string
  /** An operator asked for it: IDs that were bound nowhere are searched again. */
  readonly isNow?: boolean
  /** Leave one that came no further alone until its next check is due, as a daemon does. */
  readonly honourNextCheck?: boolean
  /** Also what is held, and a certificate that ends before the one that serves. */
  readonly force: boolean
  /** Little time is left: a search of the last half hour may start the replacement. */
  readonly isHurried: boolean
}

/** Never throws a Fault: what went wrong is part of the result, and recorded. */
export async function replaceCertificate(
  lineage: Lineage,
  deps: ReplaceDeps,
  options: ReplaceOptions,
): Promise<ReplacementResult> {
  const receipt = await deps.recall(lineage)
  const chain = chainOf(receipt, lineage.deploy, options.endpoint)
  const isFirst = chain && !chain.older.length && receipt.replacement === undefined
  if (!chain || isFirst || lineage.upload.type === 'CA') return { replacement: undefined, from: [] }
  const replacement = currentReplacement(receipt, chain, deps.now())
  if (!isDue(replacement, chain, lineage, deps.now(), options))
    return { replacement, from: chain.older, ...withFault(faultOf(replacement)) }
  const run = new ReplacementRun(lineage, deps, options, replacement)
  try {
    await run.advance()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    await run.record.postpone(error)
    // rolled back meanwhile by another process: that is no fault
    if (error.code === 'REPLACEMENT_HELD') return resultOf(run, replacement)
    const fault = error.code === 'DEADLINE' ? outOfTime(run.record.current) : error
    return { ...resultOf(run, replacement), fault }
  }
  return { ...resultOf(run, replacement), ...withFault(faultOf(run.record.current)) }
}

const resultOf = ({ record, from }: ReplacementRun, before: Replacement): ReplacementResult => ({
  replacement: record.current,
  from,
  isNew: record.current.replacedAt !== undefined && record.current.replacedAt !== before.replacedAt,
})

const withFault = (fault: Fault | undefined) => (fault ? { fault } : {})

/** Of these newest ones also the products that are in no count are read. */
const GENERATIONS = 3

/** States in which nothing is left but to ask the addresses. */
const ASKED_BY_TLS: ReadonlySet<ReplacementState> = new Set(['replaced', 'unverified', 'stale'])

const LOST = 'what used an older certificate uses neither that nor this one now: someone else has changed it'

const isOwnSuccess =
  ({ to }: Replacement) =>
  (job: Job) =>
    job.to === to && job.done > 0

class ReplacementRun {
  readonly record: ReplacementRecord
  from: readonly string[] = []
  readonly #lineage: Lineage
  readonly #deps: ReplaceDeps
  readonly #options: ReplaceOptions
  readonly #jobs: JobRunner

  constructor(lineage: Lineage, deps: ReplaceDeps, options: ReplaceOptions, replacement: Replacement) {
    this.#lineage = lineage
    this.#deps = deps
    this.#options = options
    this.record = new ReplacementRecord(lineage, deps, replacement)
    this.#jobs = new JobRunner(this.record, deps)
  }

  async advance(): Promise<void> {
    await this.#jobs.continueUnfinished()
    if (isHeld(this.record.current)) {
      if (!this.#options.force) return
      await this.record.enter('surveying')
    }
    const { state, to: current, jobs } = this.record.current
    // a person may have bound an earlier one again since
    const isBegun = jobs.some(({ to }) => to === current)
    const isInDoubt =
      this.#options.force ||
      this.#options.isNow === true ||
      state === 'stale' ||
      (state === 'surveying' && !isBegun)
    let isSurveyedAgain = false
    for (let turn = 0; ; turn++) {
      const chain = await this.#chain(isInDoubt && turn === 0)
      // only the handshakes are left
      if (!chain.older.length && ASKED_BY_TLS.has(this.record.current.state)) break
      const surveys = await this.#survey(chain)
      const bound = this.#bound(chain, surveys)
      if (!bound.length) {
        await this.#conclude(chain, surveys)
        break
      }
      if (!(await this.#isAllowed(chain, bound))) return
      const to = chain.current.certificateId
      const left = chain.older.filter(id => bound.some(({ certificateId }) => certificateId === id))
      const next = left.filter(from => !this.#jobs.hasAsked({ from, to }))
      if (!next.length) {
        // another host's search may have begun before the job ended: the service answers with that one
        if (!isSurveyedAgain && !left.every(from => this.#jobs.hasFailed({ from, to }))) {
          isSurveyedAgain = true
          continue
        }
        await this.record.enter('partly', {
          ...partlyReason(this.record.current, bound),
          ...this.record.nextCheck(),
        })
        return
      }
      for (const id of next) await this.#jobs.replace(id, chain, bound)
    }
    if (!ASKED_BY_TLS.has(this.record.current.state) || !this.#lineage.deploy.verify) return
    const { to } = this.record.current
    await verifyEdge(this.record, this.#lineage.deploy, () => this.#chain(), this.#deps)
    // renewed meanwhile
    if (this.record.current.to !== to) await this.advance()
  }

  async #chain(isInDoubt = false): Promise<Chain> {
    const receipt = await this.#deps.recall(this.#lineage)
    const chain = chainOf(receipt, this.#lineage.deploy, this.#options.endpoint, isInDoubt)
    if (!chain) throw new Fault('REPLACEMENT_RUNNING', 'its record has gone')
    // renewed meanwhile: what is left is done for the new one
    const replacement = receipt.replacement ?? this.record.current
    this.record.current = currentReplacement({ ...receipt, replacement }, chain, this.#deps.now())
    if (isHeld(this.record.current)) throw heldFault(this.record.current)
    this.from = [...new Set([...this.from, ...chain.older])]
    return chain
  }

  async #survey(chain: Chain): Promise<ReadonlyMap<string, Survey>> {
    const { current, older } = chain
    const { isHurried } = this.#options
    const { jobs, resources } = this.record.current
    const isFirst = !jobs.some(({ to }) => to === current.certificateId)
    if (isFirst) await this.record.enter('surveying')
    const cached = isHurried && isFirst
    const isWhole = isFirst || resources.some(({ type }) => UNCOUNTED.includes(type))
    const newest = older.filter(id => !chain.free.has(id)).slice(0, GENERATIONS)
    const others = older.filter(id => !newest.includes(id))
    const ask = async (isCached: boolean) => {
      const [ofNewer, ofOlder, ofCurrent] = await Promise.all([
        this.#deps.survey(newest, { isCached, detail: isWhole ? 'all' : 'bound' }),
        this.#deps.survey(others, { isCached, detail: 'bound' }),
        this.#deps.survey([current.certificateId], { isCached, detail: resources.length ? 'none' : 'bound' }),
      ])
      return new Map([...ofNewer, ...ofOlder, ...ofCurrent])
    }
    const surveys = await ask(cached)
    if (surveys.get(current.certificateId)?.isGone)
      throw new Fault('REPLACEMENT_FAILED', `${current.certificateId} is no longer in the account`, {
        advice: `Upload it again: certferry sync --force --only ${this.#lineage.id}`,
      })
    // a search of the last half hour proves only presence
    return cached && !this.#bound(chain, surveys).length ? ask(false) : surveys
  }

  /** The resources that use an older ID and are to be replaced. */
  #bound(chain: Chain, surveys: ReadonlyMap<string, Survey>): Survey['resources'] {
    const { deploy } = this.#lineage
    const isLeft = ({ domains }: BoundResource) =>
      deploy.allowUncovered &&
      domains.length > 0 &&
      domains.every(domain => !covers(chain.current.names, domain))
    return chain.older
      .flatMap(id => surveys.get(id)?.resources ?? [])
      .filter(resource => isReplaced(deploy, resource.type) && !isLeft(resource))
  }

  /** No older ID is bound, if the survey left nothing out. */
  async #conclude(chain: Chain, surveys: ReadonlyMap<string, Survey>): Promise<void> {
    const incomplete = chain.older.filter(id => !surveys.get(id)?.isComplete)
    if (incomplete.length)
      throw incompleteFault(
        incomplete,
        incomplete.flatMap(id => surveys.get(id)?.problems ?? []),
      )
    const now = this.#deps.now()
    const before = this.record.current
    const { replaces } = this.#lineage.deploy
    const held = chain.older.filter(id => surveys.get(id)?.resources.length)
    const free = chain.older.filter(id => !held.includes(id))
    const current = surveys.get(chain.current.certificateId)
    const isServed = (current?.resources.length ?? 0) > 0 || before.jobs.some(isOwnSuccess(before))
    // what used an older one uses neither now: the addresses tell
    const isLost = before.resources.length > 0
    const state = isServed || before.replacedAt ? 'replaced' : isLost ? 'unverified' : 'nothing-bound'
    this.record.current = {
      ...this.record.current,
      unbound: replaces.filter(
        id => free.includes(id) || (before.unbound?.includes(id) && !held.includes(id)),
      ),
      left: replaces.filter(id => held.includes(id)),
      ...(state === 'replaced' && !this.record.current.replacedAt && { replacedAt: now.toISOString() }),
      ...(!this.record.current.resources.length && { resources: (current?.resources ?? []).map(resourceOf) }),
    }
    const bound = new Map([...free.map(id => [id, 'no'] as const), ...held.map(id => [id, 'yes'] as const)])
    const isFurther = state === 'nothing-bound' || !before.replacedAt
    // an alarm stays one until a handshake ends it
    const isDoubtful = state === 'replaced' && ASKED_BY_TLS.has(before.state)
    if (isDoubtful) await this.record.save(this.record.current, bound)
    else
      await this.record.enter(
        state,
        {
          ...(isFurther && { attempts: 0 }),
          ...(state === 'unverified' && { reason: LOST, ...this.record.nextCheck() }),
        },
        bound,
      )
  }

  /** Whether the new certificate may go where the older ones are. */
  async #isAllowed(chain: Chain, bound: Survey['resources']): Promise<boolean> {
    const { deploy } = this.#lineage
    const now = this.#deps.now()
    this.record.current = {
      ...this.record.current,
      resources: mergeResources(this.record.current.resources, bound),
    }
    const bundle = await this.#deps.readBundle(this.#lineage)
    if (bundle.fingerprint !== chain.current.fingerprint)
      throw new Fault('REPLACEMENT_RUNNING', 'its files have changed since it was uploaded', {
        advice: 'The next run uploads the present files and puts that certificate in place.',
      })
    const obstacle = obstacleTo({
      bundle,
      replacedNotAfter: chain.notAfter,
      resources: bound,
      roots: this.#deps.roots(),
      now,
      allowUncovered: deploy.allowUncovered,
      allowUntrusted: deploy.allowUntrusted,
      force: this.#options.force,
    })
    const ids = new Map(bound.map(({ certificateId }) => [certificateId, 'yes'] as const))
    if (!obstacle) {
      await this.record.save(this.record.current, ids)
      return true
    }
    const { state, reason, advice } = obstacle
    await this.record.enter(state, { reason, advice, ...this.record.nextCheck() }, ids)
    return false
  }
}
