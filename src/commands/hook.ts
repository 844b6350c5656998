/** `certferry hook`: a glance at the lineage that an ACME client just renewed, and a pass over it where it has changed. */
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CERT_KEY_VARIABLES, type HookInvocation, parseHookInvocation } from '../acme/hookInvocation.ts'
import { createApp, logInsecurePermissions, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { type LoadedConfig, loadSettings } from '../config/load.ts'
import type { FolderSource, PemSource, Settings, Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import { isSamePlace, isThere } from '../files/samePlace.ts'
import { createLogger } from '../log/logger.ts'
import { openTextfileMetrics } from '../metrics/textfile.ts'
import type { ProcessContext } from '../processContext.ts'
import { openReceiptStore } from '../receipts/store.ts'
import { stampsOf } from '../sources/fileStamp.ts'
import { type Lineage, lineageIn, nameTaken, pemLineage, usualSources } from '../sources/lineage.ts'
import { jsonLine } from '../terminal/text.ts'
import { exitOf, type Outcome, passJson } from '../upload/outcome.ts'
import { logUnchanged } from '../upload/report.ts'
import { findUnchanged, syncAll } from '../upload/syncAll.ts'

interface Renewed {
  readonly inForce: LoadedConfig
  readonly lineage: Lineage
  /** Where another place has its name. */
  readonly taken: Fault | undefined
  /** Aborted at the deadline. */
  readonly late: AbortSignal
}

async function syncRenewed(
  world: ProcessContext,
  line: CommandLine,
  { inForce, lineage, taken, late }: Renewed,
): Promise<number> {
  const meter = await openTextfileMetrics(world, line.metricsFile)
  const signal = shutdownSignal(world, late)
  const engine = createApp(inForce, { world, line, signal, metrics: () => meter?.metrics })
  try {
    const { settings, log, effects } = engine
    logInsecurePermissions(engine)
    mustBeThere(dirname(lineage.chain))
    const wishes = { force: false, dryRun: false, endpoint: settings.endpoint.hostname }
    const outcomes = taken ? refused(lineage, taken) : await syncAll([lineage], effects, wishes)
    if (taken) for (const outcome of outcomes) effects.report(outcome)
    logUnchanged(log, outcomes)
    await meter?.write(log)
    if (line.json) world.stdout.write(jsonLine(passJson(outcomes)))
    return exitOf(outcomes)
  } finally {
    await engine.close()
  }
}

const refused = ({ id }: Lineage, fault: Fault): readonly Outcome[] => [
  { outcome: 'failed', lineage: id, fault, elapsedMs: 0 },
]

/** A folder that is not there is a wrong name, not a renewal under way. */
function mustBeThere(folder: string): void {
  if (!statOf(folder))
    throw new Fault('SOURCE_MISSING', `${folder}: no such directory`, {
      advice: 'Check the path that the ACME client or the options gave.',
    })
}

/** What cannot be looked at is there: reading it says why. */
function statOf(folder: string) {
  try {
    return statSync(folder, { throwIfNoEntry: false })
  } catch {
    return folder
  }
}

/** Seconds. certbot holds its lock and waits for a hook without end; this is the end. */
const DEADLINE = 120

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const late = world.endWithin(line.deadline ?? DEADLINE)
  const call = parseHookInvocation(line.operands, world.env, world.cwd)
  // at once, and without a word: dehydrated calls for every step that it takes
  if (call === 'ignored') return 0
  const inForce = await loadSettings(world, line)
  const { settings } = inForce
  const lineage = renewedLineage(world, line, settings, call)
  const log = createLogger({
    level: settings.logLevel,
    output: line.json ? world.stderr : world.stdout,
    now: world.now,
  })
  if (settings.isExcluded(lineage.id)) {
    log.info({ event: 'skipped', lineage: lineage.id }, `${lineage.id} is skipped, as the configuration says`)
    if (line.json) world.stdout.write(jsonLine(passJson([])))
    return 0
  }
  const taken = takenBy(lineage, sourcesOf(settings, world))
  const known = taken || isTold(line, settings) ? undefined : await unchanged(lineage, settings, world)
  if (!known) return syncRenewed(world, line, { inForce, lineage, taken, late })
  logUnchanged(log, [known])
  if (line.json) world.stdout.write(jsonLine(passJson([known])))
  return 0
}

/** Metrics and notices are more than a glance: who has them goes the whole way. */
const isTold = ({ metricsFile }: CommandLine, { notify }: Settings) =>
  metricsFile !== undefined || notify.command !== undefined || notify.webhookFile !== undefined

/** Nothing but stat and its receipt are asked; undefined where that does not tell. */
async function unchanged(
  lineage: Lineage,
  { stateDir, endpoint }: Settings,
  world: ProcessContext,
): Promise<Outcome | undefined> {
  const now = () => new Date(world.now())
  // what is wrong with the state directory is said on the longer way
  const receipts = openReceiptStore(stateDir, () => {}, now)
  const receipt = await receipts.recall(lineage.id).catch(() => undefined)
  if (!receipt) return undefined
  const known = new Map([[lineage.id, receipt]])
  const wishes = { force: false, endpoint: endpoint.hostname }
  return findUnchanged([lineage], known, { glance: stampsOf, now }, wishes).get(lineage.id)
}

/** Named exactly as `sync` would name it, so that both share one receipt. @throws Fault USAGE where nobody names one. */
function renewedLineage(
  { env, cwd }: ProcessContext,
  line: CommandLine,
  { sources, uploadOf }: Settings,
  call: HookInvocation | undefined,
): Lineage {
  if (call) {
    const { kind, path, name, files } = call
    const folder = folderAt(call, sources)
    const lineage = { ...lineageIn(folder ?? { kind, path, keys: {} }, name, uploadOf), ...files }
    const named = pemAt(lineage.chain, sources)
    // a place that the operator named is found by sync under that name; in a folder's own it is so only where that is free
    return named && (!folder || takenBy(lineage, sources)) ? pemLineage(named, uploadOf) : lineage
  }
  if (line.chain && line.key && line.name) {
    const paths = { chain: resolve(cwd, line.chain), key: resolve(cwd, line.key) }
    const configured = sources.find(source => source.kind === 'pem' && source.name === line.name)
    return pemLineage({ kind: 'pem', name: line.name, ...paths, keys: configured?.keys ?? {} }, uploadOf)
  }
  throw new Fault('USAGE', `hook was told of no certificate: ${missing(env, line)}`, {
    advice: 'Let an ACME client call it, or name all three: --chain, --key and --name.',
  })
}

/** What would have made it whole, for whoever gave a part. */
function missing(env: ProcessContext['env'], line: CommandLine): string {
  const half = CERT_KEY_VARIABLES.find(pair => pair.some(name => env[name]))
  if (half) return `${half.find(name => !env[name])} is missing beside ${half.find(name => env[name])}`
  const absent = (['chain', 'key', 'name'] as const).filter(name => line[name] === undefined)
  if (absent.length < 3) return `${absent.map(name => `--${name}`).join(' and ')} missing`
  return `${['RENEWED_LINEAGE', ...CERT_KEY_VARIABLES.flat()].join(', ')} are not set`
}

/** The configured source that is this folder, whatever path or link either is reached by. */
const folderAt = ({ kind, path }: HookInvocation, sources: readonly Source[]): FolderSource | undefined =>
  sources
    .filter(source => source.kind !== 'pem')
    .find(source => source.kind === kind && isSamePlace(source.path, path))

const pemAt = (chain: string, sources: readonly Source[]): PemSource | undefined =>
  sources.filter(source => source.kind === 'pem').find(source => isSamePlace(source.chain, chain))

/** Those that sync would look at. */
const sourcesOf = ({ sources }: Settings, { home }: ProcessContext) =>
  sources.length ? sources : usualSources(home)

/** The fault that sync would name: another place has this name already. */
function takenBy(lineage: Lineage, sources: readonly Source[]): Fault | undefined {
  const { kind, name, chain } = lineage
  for (const source of sources) {
    if (source.kind !== kind || (source.kind === 'pem' && source.name !== name)) continue
    const other = source.kind === 'pem' ? source.chain : lineageIn(source, name, () => lineage.upload).chain
    if (isSamePlace(other, chain)) return undefined
    if (source.kind === 'pem' || isThere(other)) return nameTaken(lineage, other)
  }
  return undefined
}
