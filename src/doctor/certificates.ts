/** The sources and each certificate in them, read and proven as this user, and nothing sent. */
import { constants, lstat, open, readlink, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { renewCommand } from '../acme/clients.ts'
import { isOverdue } from '../certificate/expiry.ts'
import type { Source } from '../config/settings.ts'
import { FLAW_ADVICE } from '../errors.ts'
import { emptyReceipt } from '../receipts/receipt.ts'
import { ownReceipt } from '../receipts/store.ts'
import { containsLineage, sourceLabel } from '../sources/discover.ts'
import type { Lineage } from '../sources/lineage.ts'
import { watchScopeOf } from '../sources/watchScope.ts'
import { quoteShell } from '../terminal/text.ts'
import type { Outcome } from '../upload/outcome.ts'
import { type SyncDeps, syncCertificate } from '../upload/syncCertificate.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import type { CheckContext } from './run.ts'

type PathProblem =
  /** `missing` is where the links lead in the end, and nothing is there. */
  | { readonly kind: 'dangling'; readonly link: string; readonly missing: string }
  | { readonly kind: 'closed'; readonly path: string; readonly mode: number; readonly uid: number }

/** What is in the way, and what removes it. */
export function describePathProblem(
  lineage: string,
  obstacle: PathProblem,
  user: { readonly uid: number; readonly name: string },
): Pick<Finding, 'says' | 'advice' | 'command'> {
  if (obstacle.kind === 'dangling')
    return {
      says: `${lineage}: ${obstacle.link} leads to ${obstacle.missing}, which does not exist`,
      advice:
        'Mount or restore the folder of its target too, not only the links. If the file is lost, issue the certificate again.',
      command: `ls -l ${quoteShell(obstacle.link)}`,
    }
  const { path, mode, uid } = obstacle
  const says = `${lineage}: ${path} is not readable for ${user.name} (mode ${mode.toString(8).padStart(4, '0')}, owner ${uid === 0 ? 'root' : `uid ${uid}`})`
  if (user.uid === 0)
    return {
      says,
      advice:
        'Even root is denied: check whether the file system is remote, or a security module forbids it.',
    }
  return {
    says,
    advice: 'Run the check as root. The service reads it by its unit, or by a group (docs/systemd.md).',
    command: 'sudo certferry check',
  }
}

/** As the kernel follows links at most. */
const LINKS = 40

/** Undefined where nothing is in the way, or nothing that can be named. */
export async function firstDeniedPath(path: string): Promise<PathProblem | undefined> {
  let at = resolve(path)
  let first: string | undefined
  for (let links = 0; links < LINKS; links++) {
    const closed = await closedOn(at)
    if (closed) return closed
    const entry = await lstat(at).catch(() => undefined)
    if (!entry) return first === undefined ? undefined : { kind: 'dangling', link: first, missing: at }
    if (!entry.isSymbolicLink()) return undefined
    first ??= at
    at = resolve(dirname(at), await readlink(at))
  }
  return undefined
}

/** The first on the way from the root that is closed to this user: a folder that cannot be entered, or the file itself. */
async function closedOn(path: string): Promise<PathProblem | undefined> {
  const steps = path.split('/').slice(1)
  for (let depth = 0; depth < steps.length; depth++) {
    const here = join('/', ...steps.slice(0, depth))
    if (await isRefused(() => lstat(`${here}/.`))) return closedAt(here)
  }
  const entry = await lstat(path).catch(() => undefined)
  if (!entry || entry.isSymbolicLink()) return undefined
  return (await isRefused(() => opened(path))) ? closedAt(path) : undefined
}

/** Not access(2): that asks for the real user and forgets capabilities, which the service's unit reads by. */
const isRefused = (attempt: () => Promise<unknown>): Promise<boolean> =>
  attempt().then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'EACCES' || code === 'EPERM',
  )

/** A folder can be listed once it is open; a FIFO without a writer is not waited for. */
async function opened(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  await handle.close()
}

async function closedAt(path: string): Promise<PathProblem | undefined> {
  const { mode, uid } = await stat(path)
  return { kind: 'closed', path, mode: mode & 0o7777, uid }
}

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
    ...left.map(({ lineage, why }) => ok('source', `${lineage} is ignored: it ${why}`)),
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
    ...(single.length ? [sum('individual files', ({ kind }) => kind === 'pem')] : []),
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
  const says = `${at.id}: expires on ${until}, with less than a third of its lifetime left`
  const command = renewCommand(at, { code: 'EXPIRED', apiCode: undefined })
  return [
    warning('certificate', says, {
      advice: 'See the log of the ACME client; to renew now:',
      ...(command && { command }),
    }),
  ]
}
