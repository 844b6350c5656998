/** `certferry hook`: one pass over the lineage that an ACME client just renewed. */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Fault } from '../core/fault.ts'
import { type Call, callOf, PAIRS } from '../core/hookCall.ts'
import { jsonLine } from '../core/jsonLine.ts'
import type { Lineage } from '../core/lineage.ts'
import { exitOf, passJson } from '../core/outcome.ts'
import { entryOf } from '../core/report.ts'
import type { Settings, Source } from '../core/settings.ts'
import { lineageIn, pemLineage } from '../edge/lineages.ts'
import { pass } from '../pass.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { endOf, openEngine, warnOfExposures, write } from './engine.ts'
import { openMeter } from './meter.ts'

/** Seconds. certbot holds its lock and waits for a hook without end; this is the end. */
const DEADLINE = 120

export async function run(world: World, line: CommandLine): Promise<number> {
  const call = callOf(line.operands, world.env, world.cwd)
  // at once, and without a word: dehydrated calls for every step that it takes
  if (call === 'nothing to do') return 0
  const meter = await openMeter(world, line.metricsFile)
  const engine = await openEngine(world, line, endOf(world, line.deadline ?? DEADLINE), () => meter?.metrics)
  try {
    const { settings, log, receipts, effects } = engine
    const lineage = renewedLineage(world, line, settings, call)
    if (settings.isSkipped(lineage.id)) {
      log.info(
        { event: 'skipped', lineage: lineage.id },
        `${lineage.id} is skipped, as the configuration says`,
      )
      if (line.json) world.stdout.write(jsonLine(passJson([])))
      return 0
    }
    warnOfExposures(engine)
    await mustBeThere(dirname(lineage.chain))
    await receipts.prepare()
    const outcomes = await pass([lineage], effects, {
      force: false,
      dryRun: false,
      endpoint: settings.endpoint.hostname,
    })
    // a person reads a hook's output in the ACME client's log, where "nothing" would look like a hook that did not run
    for (const outcome of outcomes)
      if (outcome.outcome === 'unchanged') write(log, { ...entryOf(outcome), level: 'info' })
    await meter?.write(log)
    if (line.json) world.stdout.write(jsonLine(passJson(outcomes)))
    return exitOf(outcomes)
  } finally {
    await engine.close()
  }
}

/** Named exactly as `sync` would name it, so that both share one receipt. @throws Fault USAGE where nobody names one. */
function renewedLineage(
  { env, cwd }: World,
  line: CommandLine,
  { sources, uploadOf }: Settings,
  call: Call | undefined,
): Lineage {
  if (call) {
    const lineage = lineageIn(folderSource(call, sources), call.name, uploadOf)
    return { ...lineage, ...call.files }
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
function missing(env: World['env'], line: CommandLine): string {
  const half = PAIRS.find(pair => pair.some(name => env[name]))
  if (half) return `${half.find(name => !env[name])} is missing beside ${half.find(name => env[name])}`
  const absent = (['chain', 'key', 'name'] as const).filter(name => line[name] === undefined)
  if (absent.length < 3) return `${absent.map(name => `--${name}`).join(' and ')} missing`
  return `${['RENEWED_LINEAGE', ...PAIRS.flat()].join(', ')} are not set`
}

/** A folder that is not there is a wrong name, not a renewal under way. */
async function mustBeThere(folder: string): Promise<void> {
  const found = await stat(folder).catch(
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
  )
  if (!found)
    throw new Fault('SOURCE_MISSING', `${folder}: no such directory`, {
      advice: 'Check the path that the ACME client or the options gave.',
    })
}

/** The configured source that holds this folder, for its upload keys; else one made for the occasion. */
function folderSource({ kind, path }: Call, sources: readonly Source[]) {
  const configured = sources.find(source => source.kind === kind && resolve(source.path) === path)
  return { kind, path, keys: configured?.keys ?? {} }
}
