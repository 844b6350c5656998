/** The sources and each certificate in them: read and verified as this user; nothing is sent. */
import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { renewCommand } from '../acme/clients.ts'
import { isOverdue } from '../certificate/expiry.ts'
import { FLAW_ADVICE } from '../errors.ts'
import type { User } from '../files/permissions.ts'
import { followPath } from '../files/safePath.ts'
import { emptyReceipt } from '../receipts/receipt.ts'
import { ownReceipt } from '../receipts/store.ts'
import { containsLineage, sourceLabel } from '../sources/discover.ts'
import type { Lineage } from '../sources/lineage.ts'
import { watchScopeOf } from '../sources/watchScope.ts'
import { countText, quoteShell } from '../terminal/text.ts'
import type { Outcome } from '../upload/outcome.ts'
import { type SyncDeps, syncCertificate } from '../upload/syncCertificate.ts'
import { type Finding, failure, ok, skipped, warning } from './finding.ts'
import type { CheckContext } from './run.ts'

type PathProblem =
  /** The links end at `missing`, which does not exist. */
  | { readonly kind: 'dangling'; readonly link: string; readonly missing: string }
  | { readonly kind: 'closed'; readonly path: string; readonly mode: number; readonly uid: number }

export function describePathProblem(
  lineage: string,
  problem: PathProblem,
  user: User,
): Pick<Finding, 'says' | 'advice' | 'command'> {
  if (problem.kind === 'dangling')
    return {
      says: `${lineage}: ${problem.link} leads to ${problem.missing}, which does not exist`,
      advice:
        'Mount or restore the folder of its target too, not only the links. If the file is lost, issue the certificate again.',
      command: `ls -l ${quoteShell(problem.link)}`,
    }
  const { path, mode, uid } = problem
  const owner = uid === 0 ? 'root' : `uid ${uid}`
  const says = `${lineage}: ${path} is not readable for ${user.name} (mode ${mode.toString(8).padStart(4, '0')}, owner ${owner})`
  if (user.uid === 0)
    return {
      says,
      advice:
        'Even root is denied: check whether the file system is remote, or a security module forbids it.',
    }
  return {
    says,
    advice: 'Run the check as root. The service reads it by its unit, or by a group (docs/operating.md).',
    command: 'sudo certferry check',
  }
}

/** The folder or file that denies access, or the end of a link that leads to nothing. */
export function firstDeniedPath(path: string): PathProblem | undefined {
  const { steps, ended } = followPath(path)
  const last = steps.at(-1)
  if (last && isDenied(ended?.code ?? openError(last.path)))
    return { kind: 'closed', path: last.path, mode: last.mode & 0o7777, uid: last.uid }
  const link = steps.findLast(({ kind }) => kind === 'link')?.path
  if (ended?.code !== 'ENOENT' || link === undefined) return undefined
  // a file that is missing in a linked folder is not the end of a link
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined
  return { kind: 'dangling', link: path, missing: resolve(dirname(link), readlinkSync(link)) }
}

const isDenied = (code: string | undefined) => code === 'EACCES' || code === 'EPERM'

/**
 * Not access(2): it checks the real user and ignores the capabilities of the service's unit. O_NONBLOCK: a FIFO would wait
 * for its writer.
 */
function openError(path: string): string | undefined {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** `at` is undefined for a source that cannot be listed. */
type Checked = Outcome & { readonly at?: Lineage }

type Failed = Extract<Checked, { readonly fault: unknown }>

export async function certificates(check: CheckContext): Promise<readonly Finding[]> {
  const { app, context } = check
  const { lineages, failed, left, excluded, unmatched } = await check.listing()
  const receipts = await app.receipts.all().catch(() => [])
  const known = new Map(receipts.map(receipt => [receipt.lineage, receipt]))
  // app.effects would set damaged receipts aside; a check changes nothing
  const effects: SyncDeps = {
    ...app.effects,
    recall: async lineage => ownReceipt(lineage, known.get(lineage.id) ?? emptyReceipt(lineage.id)),
  }
  const options = { force: false, dryRun: true, endpoint: app.settings.endpoint.hostname, last: true }
  const checked: Checked[] = [...failed]
  for (const at of lineages) checked.push({ ...(await syncCertificate(at, effects, options)), at })
  const failures = checked.filter(outcome => 'fault' in outcome)
  return [
    ...countFindings(check, checked),
    ...left.map(({ lineage, why }) => skipped('source', `${lineage} is ignored: it ${why}`)),
    ...(excluded.length ? [skipped('source', `left out by exclude = true: ${excluded.join(', ')}`)] : []),
    ...unmatched.map(unmatchedFinding),
    ...(await Promise.all(failures.map(outcome => failureFinding(outcome, check)))),
    ...checked.flatMap(outcome => overdueFindings(outcome, context.now())),
    ...checked.flatMap(flawFindings),
  ]
}

/** One finding for each directory, and one for all individual files. */
function countFindings({ sources }: CheckContext, checked: readonly Checked[]): readonly Finding[] {
  const count = (title: string, isIn: (lineage: Lineage) => boolean) => {
    const mine = checked.filter(({ at }) => at && isIn(at))
    const ready = mine.filter(outcome => !('fault' in outcome)).length
    if (!mine.length) return skipped('source', `${title}: no certificates`)
    const says = `${title}: ${ready} of ${countText(mine.length, 'certificate')} ready`
    return ready === mine.length
      ? ok('source', says)
      : warning('source', says, { advice: 'The others are below.' })
  }
  const unlisted = new Set(checked.filter(({ at }) => !at).map(({ lineage }) => lineage))
  const findings = sources.flatMap(source =>
    source.kind === 'pem' || unlisted.has(sourceLabel(source))
      ? []
      : count(`${source.kind} in ${source.path}`, at => containsLineage(source, at)),
  )
  const hasFiles = sources.some(({ kind }) => kind === 'pem')
  return hasFiles ? [...findings, count('individual files', ({ kind }) => kind === 'pem')] : findings
}

const unmatchedFinding = (pattern: string): Finding =>
  warning('source', `[[certificate]] match = "${pattern}" matches no certificate`, {
    advice: 'Use a name that this command shows, or remove it:',
    command: 'certferry status',
  })

async function failureFinding(outcome: Failed, { sources, machine }: CheckContext): Promise<Finding> {
  const { at, fault, lineage } = outcome
  const finding = failure(at ? 'certificate' : 'source', fault)
  const source = sources.find(source => sourceLabel(source) === lineage)
  const folders = !at && source ? (await watchScopeOf(source)).folders : []
  const paths = at ? [at.chain, at.key ?? []].flat() : folders
  const problem = paths.map(firstDeniedPath).find(Boolean)
  if (problem) return { ...finding, ...describePathProblem(lineage, problem, machine.user()) }
  const command = at && renewCommand(at, fault)
  return { ...finding, says: `${lineage}: ${fault.message}`, ...(command && { command }) }
}

/** Such a certificate is uploaded: the service decides what it accepts. */
const flawFindings = ({ at, bundle }: Checked): readonly Finding[] =>
  (at && bundle ? bundle.flaws : []).map(flaw =>
    warning('certificate', `${at?.id}: ${flaw}`, { advice: FLAW_ADVICE }),
  )

function overdueFindings(outcome: Checked, now: number): readonly Finding[] {
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
