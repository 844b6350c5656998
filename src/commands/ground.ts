/** The ground a daemon watches: the lineages it knows, the watchers that tell of them, and the sweeps that trust nobody. */
import { LAYOUTS, type Lineage, lineageId } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import { findLineages } from '../edge/lineages.ts'
import type { Metrics } from '../edge/metrics.ts'
import { signatureOf } from '../edge/signature.ts'
import { openWatcher, type Watcher } from '../edge/watcher.ts'
import type { Rounds } from '../rounds.ts'
import type { World } from '../world.ts'
import type { Engine } from './engine.ts'
import { usualSources } from './sources.ts'

export interface Ground {
  /** Begins to watch, and lists for the first time. */
  readonly open: () => Promise<void>
  /** The lineage of that name, marked as looked at in the state its files are in now. */
  readonly visit: (id: string) => Promise<Lineage | undefined>
  /** Lists the sources anew: new lineages are nudged, those that are gone forgotten. */
  readonly list: () => Promise<void>
  readonly sweep: (why: string) => Promise<void>
  readonly count: () => number
  readonly close: () => Promise<void>
}

export interface GroundEffects {
  readonly rounds: Rounds
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

/** An event that is under way reaches us within this time; what a sweep finds after it was missed. In milliseconds. */
const IN_FLIGHT = 1_000

export function openGround(
  { settings, log }: Engine,
  world: World,
  { rounds, onDeath, metrics }: GroundEffects,
): Ground {
  const sources = settings.sources.length ? settings.sources : usualSources(world.home)
  const known = new Map<string, Lineage>()
  const signatures = new Map<string, string>()
  const told = new Map<string, string>()
  const closing = new AbortController()
  let missed = 0

  const listOnce = async () => {
    const { lineages, faults } = await findLineages(sources, settings.uploadOf)
    const fresh = lineages.filter(({ id }) => !known.has(id))
    known.clear()
    for (const lineage of lineages) known.set(lineage.id, lineage)
    for (const id of signatures.keys()) if (!known.has(id)) signatures.delete(id)
    rounds.keep(new Set(known.keys()))
    metrics()?.keep(new Set(known.keys()))
    for (const source of sources)
      metrics()?.watchUp(titleOf(source), !faults.some(({ lineage }) => lineage === titleOf(source)))
    rounds.nudge(fresh.map(({ id }) => id))
    for (const { lineage, fault } of faults) {
      // of the usual places most machines have one, and few have both
      const level = settings.sources.length || fault.code !== 'SOURCE_MISSING' ? 'warn' : 'debug'
      if (told.get(lineage) !== fault.message)
        log[level](
          { event: 'source', code: fault.code, advice: fault.advice },
          `${lineage}: ${fault.message}`,
        )
      told.set(lineage, fault.message)
    }
    for (const name of told.keys()) if (!faults.some(({ lineage }) => lineage === name)) told.delete(name)
  }
  const list = coalesced(listOnce)

  /** Lineages whose files are no longer as they were when they were last looked at. */
  const strayed = async (among: Iterable<Lineage>): Promise<readonly string[]> => {
    const found: string[] = []
    for (const lineage of among) {
      const before = signatures.get(lineage.id)
      if (before !== undefined && before !== (await signatureOf(lineage))) found.push(lineage.id)
    }
    return found
  }
  const sweep = async (why: string) => {
    await list()
    const suspects = new Map((await strayed(known.values())).map(id => [id, signatures.get(id)]))
    if (suspects.size) await world.wait(IN_FLIGHT, closing.signal).catch(() => undefined)
    if (closing.signal.aborted) return
    for (const [id, before] of suspects) {
      if (signatures.get(id) !== before) continue
      missed += 1
      const source = sources.find(one => holds(one, known.get(id)))
      if (source) metrics()?.missedEvent(titleOf(source))
      log.warn(
        { event: 'missed', lineage: id, missed },
        `the sweep found a change of ${id} that no event had told of`,
      )
    }
    log.debug({ event: 'sweep', why, lineages: known.size }, `sweep (${why}) over ${known.size} certificates`)
    rounds.nudge(known.keys())
  }
  const heard = (source: Source) => (name: string | undefined) => {
    if (name === undefined)
      return void list()
        .then(() => rounds.nudge(idsOf(source)))
        .catch(onDeath)
    if (source.kind !== 'pem' && LAYOUTS[source.kind].ignore(name)) return
    const id = lineageId(source.kind, name)
    if (known.has(id)) rounds.nudge([id])
    else list().catch(onDeath)
  }
  const idsOf = (source: Source) =>
    [...known.values()].filter(({ kind }) => kind === source.kind).map(({ id }) => id)
  const poll = (source: Source) => async () => {
    await list()
    rounds.nudge(await strayed([...known.values()].filter(({ kind }) => kind === source.kind)))
  }

  const watched = (source: Source): Promise<Watcher> =>
    openWatcher(source, {
      onChange: heard(source),
      onDeath,
      poll: poll(source),
      onPolling: why => log.warn(...pollingEntry(source, why)),
    })
  let watchers: readonly Watcher[] = []
  return {
    list,
    open: async () => {
      // watched before they are listed: what changes in between is heard of
      watchers = await Promise.all(sources.map(watched))
      await list()
    },
    sweep,
    count: () => known.size,
    visit: async id => {
      const lineage = known.get(id)
      if (lineage) signatures.set(id, await signatureOf(lineage))
      return lineage
    },
    close: async () => {
      closing.abort()
      await Promise.all(watchers.map(watcher => watcher.close()))
    },
  }
}

/** As a source that cannot be listed is named, in the log and in the metrics. */
const titleOf = (source: Source) => `${source.kind}:${source.kind === 'pem' ? source.name : source.path}`

const holds = (source: Source, lineage: Lineage | undefined) =>
  lineage?.kind === source.kind &&
  (source.kind === 'pem' ? source.name === lineage.name : lineage.chain.startsWith(source.path))

/** One run at a time; a call during a run earns one more, because it may have come too late for this one. */
function coalesced(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  const loop = async () => {
    try {
      do {
        again = false
        await run()
      } while (again)
    } finally {
      // here and not a turn later: a call in between would wait for a loop that has ended
      running = undefined
    }
  }
  return () => {
    again = running !== undefined
    running ??= loop()
    return running
  }
}

const OPEN_FILES =
  'Raise fs.inotify.max_user_instances (sysctl) or the limit of open files, and reload to have events again.'
const MEND: Readonly<Record<string, string>> = {
  ENOSPC: 'Raise fs.inotify.max_user_watches (sysctl) and reload to have events again.',
  EMFILE: OPEN_FILES,
  ENFILE: OPEN_FILES,
}

const pollingEntry = (source: Source, why: string): [object, string] => {
  const where = source.kind === 'pem' ? source.name : source.path
  const advice = MEND[why] ?? 'Nothing to do: changes are found within seconds all the same.'
  return [
    { event: 'polling', source: where, why, advice },
    `${where} is polled every five seconds instead of watched (${why})`,
  ]
}
