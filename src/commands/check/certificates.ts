/** The sources and each certificate in them, read and proven as this user, and nothing sent. */
import { FLAW_ADVICE } from '../../core/advice.ts'
import { isOverdue } from '../../core/expiry.ts'
import { type Finding, failure, ok, warning } from '../../core/finding.ts'
import type { Lineage } from '../../core/lineage.ts'
import type { Outcome } from '../../core/outcome.ts'
import { emptyReceipt } from '../../core/receipt.ts'
import { describePathProblem, renewCommand } from '../../core/remedy.ts'
import type { Source } from '../../core/settings.ts'
import { firstDeniedPath } from '../../edge/obstacle.ts'
import { ownReceipt } from '../../edge/place.ts'
import { watchScopeOf } from '../../edge/view.ts'
import { type SyncDeps, syncCertificate } from '../../sync.ts'
import { containsLineage, sourceLabel } from '../sources.ts'
import type { CheckContext } from './scene.ts'

type Seen = Outcome & { readonly at?: Lineage }

export async function certificates(scene: CheckContext): Promise<readonly Finding[]> {
  const { sources, listing, engine } = scene
  const { lineages, failed, left } = await listing()
  const known = new Map(
    (await engine.receipts.all().catch(() => [])).map(receipt => [receipt.lineage, receipt]),
  )
  // the engine's own way sets damaged receipts aside, and who only looks leaves everything as it is
  const effects: SyncDeps = {
    ...engine.effects,
    recall: async lineage => ownReceipt(lineage, known.get(lineage.id) ?? emptyReceipt(lineage.id)),
  }
  const wishes = { force: false, dryRun: true, endpoint: engine.settings.endpoint.hostname, last: true }
  const seen: Seen[] = [...failed]
  for (const lineage of lineages)
    seen.push({ ...(await syncCertificate(lineage, effects, wishes)), at: lineage })
  const wrong = seen.filter(outcome => 'fault' in outcome)
  return [
    ...countsByKind(sources, seen),
    ...left.map(({ lineage, why }) => ok('source', `${lineage} is left alone: it ${why}`)),
    ...(await Promise.all(wrong.map(outcome => explained(outcome, scene)))),
    ...seen.flatMap(outcome => overdue(outcome, scene.world.now())),
    ...seen.flatMap(flawed),
  ]
}

/** One line a directory, and one for all files that are named one by one. */
function countsByKind(sources: readonly Source[], seen: readonly Seen[]): readonly Finding[] {
  const [single, folders] = [
    sources.filter(({ kind }) => kind === 'pem'),
    sources.filter(({ kind }) => kind !== 'pem'),
  ]
  const sum = (title: string, isIn: (lineage: Lineage) => boolean) => {
    const mine = seen.filter(({ at }) => at && isIn(at))
    const ready = mine.filter(outcome => !('fault' in outcome)).length
    return ok(
      'source',
      `${title}: ${mine.length ? `${ready} of ${mine.length} certificates ready` : 'no certificates'}`,
    )
  }
  return [
    ...folders
      .filter(source => !seen.some(({ at, lineage }) => !at && lineage === sourceLabel(source)))
      .map(source =>
        sum(`${source.kind} in ${'path' in source ? source.path : ''}`, at => containsLineage(source, at)),
      ),
    ...(single.length ? [sum('named one by one', ({ kind }) => kind === 'pem')] : []),
  ]
}

async function explained(
  { at, fault, lineage }: Extract<Seen, { readonly fault: unknown }>,
  { sources, machine }: CheckContext,
): Promise<Finding> {
  const [obstacle] = await obstaclesOf(
    at,
    sources.find(source => sourceLabel(source) === lineage),
  )
  const finding = failure(at ? 'certificate' : 'source', fault)
  if (obstacle) return { ...finding, ...describePathProblem(lineage, obstacle, machine.user()) }
  const command = at && renewCommand(at, fault)
  return { ...finding, says: `${lineage}: ${fault.message}`, ...(command && { command }) }
}

/** Of a certificate those of its files, of a source that cannot be listed those of its folders. */
async function obstaclesOf(at: Lineage | undefined, source: Source | undefined) {
  const files = at ? [at.chain, ...(at.key === undefined ? [] : [at.key])] : []
  const folders = source ? (await watchScopeOf(source)).folders : []
  const obstacles = await Promise.all([...files, ...(at ? [] : folders)].map(firstDeniedPath))
  return obstacles.filter(obstacle => obstacle !== undefined)
}

/** It is sent all the same: the service, and not certferry, says what it takes. */
const flawed = ({ at, bundle }: Seen): readonly Finding[] =>
  (at ? (bundle?.flaws ?? []) : []).map(flaw =>
    warning('certificate', `${at?.id}: ${flaw}`, { advice: FLAW_ADVICE }),
  )

/** Renewed is a certificate when a third of its life is left; later, its client seems dead. */
function overdue(outcome: Seen, now: number): readonly Finding[] {
  const { at, bundle } = outcome
  if (!at || !bundle || 'fault' in outcome || !isOverdue(bundle, now)) return []
  const until = bundle.notAfter.toISOString().slice(0, 10)
  const says = `${at.id}: ends on ${until}, and less than a third of its life is left`
  const command = renewCommand(at, { code: 'EXPIRED', apiCode: undefined })
  return [
    warning('certificate', says, {
      advice: 'See what the ACME client last logged; to renew by hand:',
      ...(command && { command }),
    }),
  ]
}
