/** `certferry hook`: checks the lineage that an ACME client just renewed. */
import { dirname, resolve } from 'node:path'
import { CERT_KEY_VARIABLES, type HookInvocation, parseHookInvocation } from '../acme/hookInvocation.ts'
import { type App, logInsecurePermissions, openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import type { FolderSource, PemSource, Settings, Source } from '../config/settings.ts'
import { replaceAll } from '../deploy/replaceAll.ts'
import { Fault } from '../errors.ts'
import { isSamePlace, isThere } from '../files/fileSystem.ts'
import { journalLine } from '../log/logger.ts'
import { openTextfileMetrics } from '../metrics/textfile.ts'
import type { ProcessContext } from '../processContext.ts'
import { listLineages } from '../sources/discover.ts'
import { type Lineage, lineageIn, nameTaken, pemLineage, usualSources } from '../sources/lineage.ts'
import { writeJournal } from '../systemd/journal.ts'
import { jsonLine } from '../terminal/text.ts'
import { exitOf, type Outcome, runJson } from '../upload/outcome.ts'
import { logUnchanged, outcomeEntry } from '../upload/report.ts'
import { syncAll } from '../upload/syncAll.ts'

/** Seconds. certbot holds its lock and waits for a hook without limit; this is the limit. */
const DEFAULT_DEADLINE = 120

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const deadline = context.endWithin(line.deadline ?? DEFAULT_DEADLINE)
  const invocation = parseHookInvocation(line.operands, context.env, context.cwd)
  // silently: dehydrated calls its hook for every step
  if (invocation === 'ignored') return 0
  const metrics = await openTextfileMetrics(context, line.metricsFile)
  const app = await openApp(context, line, shutdownSignal(context, deadline), () => metrics?.metrics)
  try {
    const lineage = renewedLineage(context, line, app.settings, invocation)
    const outcomes = await syncRenewed(app, lineage, context.home)
    if (metrics) {
      const listing = await listLineages(app.settings, context.home).catch(() => undefined)
      await metrics.write(app.log, app.receipts, { outcomes, lineages: listing?.lineages ?? [] })
    }
    // what the daemon uploads stands there too; in a unit of its own the hook's output does already
    if (!context.stdout.isJournal) await writeJournal(journalLines(outcomes))
    if (line.json) context.stdout.write(jsonLine(runJson(outcomes)))
    return exitOf(outcomes)
  } finally {
    await app.close()
  }
}

/** What was uploaded, or not for a reason; unchanged is no news. */
const journalLines = (outcomes: readonly Outcome[]): string =>
  outcomes
    .filter(({ outcome }) => outcome === 'uploaded' || outcome === 'failed' || outcome === 'refused')
    .map(outcomeEntry)
    .map(({ level, message, fields }) =>
      journalLine({ level, time: '', msg: message, advice: fields.advice }),
    )
    .join('')

async function syncRenewed(app: App, lineage: Lineage, home: string): Promise<readonly Outcome[]> {
  const { settings, log, effects } = app
  if (settings.isExcluded(lineage.id)) {
    log.info({ event: 'skipped', lineage: lineage.id }, `${lineage.id} is skipped, as the configuration says`)
    return []
  }
  logInsecurePermissions(app)
  requireDirectory(dirname(lineage.chain))
  const conflict = conflictOf(lineage, settings.sources.length ? settings.sources : usualSources(home))
  if (conflict) {
    const outcome: Outcome = { outcome: 'failed', lineage: lineage.id, fault: conflict, elapsedMs: 0 }
    effects.report(outcome)
    return [outcome]
  }
  const options = { force: false, dryRun: false, endpoint: settings.endpoint.hostname }
  const outcomes = await syncAll([lineage], effects, options)
  // at debug it is logged already
  if (!log.debugs) logUnchanged(log, outcomes)
  return replaceAll([lineage], outcomes, app.replacer, { dryRun: false, isHurried: true })
}

/** A missing folder is a wrong name, not a renewal in progress. A folder that cannot be examined counts as there: reading it reports why. */
function requireDirectory(folder: string): void {
  if (!isThere(folder))
    throw new Fault('SOURCE_MISSING', `${folder}: no such directory`, {
      advice: 'Check the path that the ACME client or the options gave.',
    })
}

/** The lineage under the name that `sync` gives it, so that both share one receipt. @throws Fault USAGE if none is named. */
function renewedLineage(
  { env, cwd }: ProcessContext,
  line: CommandLine,
  { sources, forLineage }: Settings,
  invocation: HookInvocation | undefined,
): Lineage {
  if (invocation) {
    const { kind, path, name, files } = invocation
    const folder = folderAt(invocation, sources)
    const lineage = { ...lineageIn(folder ?? { kind, path, keys: {} }, name, forLineage), ...files }
    const named = pemAt(lineage.chain, sources)
    // sync finds a named file under that name, or under its folder's name if that one is free
    return named && (!folder || conflictOf(lineage, sources)) ? pemLineage(named, forLineage) : lineage
  }
  if (line.chain && line.key && line.name) {
    const paths = { chain: resolve(cwd, line.chain), key: resolve(cwd, line.key) }
    const configured = sources.find(source => source.kind === 'pem' && source.name === line.name)
    return pemLineage({ kind: 'pem', name: line.name, ...paths, keys: configured?.keys ?? {} }, forLineage)
  }
  throw new Fault('USAGE', `hook was given no certificate: ${missingInput(env, line)}`, {
    advice: 'Let an ACME client call it, or name all three: --chain, --key and --name.',
  })
}

/** Which variables or options are missing. */
function missingInput(env: ProcessContext['env'], line: CommandLine): string {
  const half = CERT_KEY_VARIABLES.find(pair => pair.some(name => env[name]))
  if (half) return `${half.find(name => !env[name])} is not set, but ${half.find(name => env[name])}`
  const absent = (['chain', 'key', 'name'] as const).filter(name => line[name] === undefined)
  if (absent.length < 3) return `${absent.map(name => `--${name}`).join(' and ')} missing`
  return `${['RENEWED_LINEAGE', ...CERT_KEY_VARIABLES.flat()].join(', ')} are not set`
}

/** The configured source of this folder, by whatever path or link it is named. */
const folderAt = ({ kind, path }: HookInvocation, sources: readonly Source[]): FolderSource | undefined =>
  sources
    .filter(source => source.kind !== 'pem')
    .find(source => source.kind === kind && isSamePlace(source.path, path))

const pemAt = (chain: string, sources: readonly Source[]): PemSource | undefined =>
  sources.filter(source => source.kind === 'pem').find(source => isSamePlace(source.chain, chain))

/** The fault that sync would report: another place has this name already. */
function conflictOf(lineage: Lineage, sources: readonly Source[]): Fault | undefined {
  const { kind, name, chain } = lineage
  for (const source of sources) {
    if (source.kind !== kind || (source.kind === 'pem' && source.name !== name)) continue
    const other = source.kind === 'pem' ? source.chain : lineageIn(source, name, () => lineage).chain
    if (isSamePlace(other, chain)) return undefined
    if (source.kind === 'pem' || isThere(other)) return nameTaken(lineage, other)
  }
  return undefined
}
