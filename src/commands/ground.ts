/** The ground a daemon watches: the watchers that tell of changes, and the sweeps that trust nobody. */
import { coalesced } from '../core/coalesced.ts'
import { Fault } from '../core/fault.ts'
import { LAYOUTS, type Lineage, lineageId } from '../core/lineage.ts'
import { pollingEntry } from '../core/pollingNotice.ts'
import type { Source } from '../core/settings.ts'
import type { Metrics } from '../edge/metrics.ts'
import { openWatcher, type Watcher } from '../edge/watcher.ts'
import type { Rounds } from '../rounds.ts'
import type { World } from '../world.ts'
import { type Engine, write } from './engine.ts'
import { openRoster } from './roster.ts'
import { holds, titleOf, usualSources } from './sources.ts'

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
  engine: Engine,
  world: World,
  { rounds, onDeath, metrics }: GroundEffects,
): Ground {
  const { settings, log } = engine
  const sources = settings.sources.length ? settings.sources : usualSources(world.home)
  const roster = openRoster(engine, sources)
  const closing = new AbortController()
  let watchers: readonly Watcher[] = []
  let missed = 0

  const list = coalesced(async () => {
    const { fresh, failed } = await roster.list()
    const ids = new Set(roster.all().map(({ id }) => id))
    rounds.keep(ids)
    metrics()?.keep(ids)
    for (const source of sources) metrics()?.watchUp(titleOf(source), !failed.has(titleOf(source)))
    rounds.nudge(fresh)
  })
  const of = (source: Source) => roster.all().filter(({ kind }) => kind === source.kind)

  const sayMissed = (id: string) => {
    missed += 1
    const lineage = roster.get(id)
    const source = lineage && sources.find(one => holds(one, lineage))
    if (source) metrics()?.missedEvent(titleOf(source))
    log.warn(
      { event: 'missed', lineage: id, missed },
      `the sweep found a change of ${id} that no event had told of`,
    )
  }
  const sayUnusable = (error: unknown) => {
    if (!(error instanceof Fault)) throw error
    log.error({ event: 'state', code: error.code, advice: error.advice }, `not swept: ${error.message}`)
    return false
  }
  const sweep = async (why: string) => {
    await list()
    // as a pass begins: an ID that cannot be recorded should not be fetched; and a directory that has gone is made again
    if (!(await engine.receipts.prepare().then(() => true, sayUnusable))) return
    const suspects = await roster.strayed(roster.all())
    if (suspects.size) await world.wait(IN_FLIGHT, closing.signal).catch(() => undefined)
    if (closing.signal.aborted) return
    for (const [id, state] of suspects) if (roster.isUnseen(id, state)) sayMissed(id)
    const ids = roster.all().map(({ id }) => id)
    log.debug({ event: 'sweep', why, lineages: ids.length }, `sweep (${why}) over ${ids.length} certificates`)
    rounds.nudge(ids)
  }
  const heard = (source: Source) => async (name: string | undefined) => {
    if (name !== undefined && source.kind !== 'pem' && LAYOUTS[source.kind].ignore(name)) return
    const id = name === undefined ? undefined : lineageId(source.kind, name)
    if (id !== undefined && roster.get(id)) return rounds.nudge([id])
    await list()
    if (id === undefined) rounds.nudge(of(source).map(one => one.id))
  }
  const watched = (source: Source): Promise<Watcher> =>
    openWatcher(source, {
      onChange: name => void heard(source)(name).catch(onDeath),
      onDeath,
      poll: async () => {
        await list()
        rounds.nudge((await roster.strayed(of(source))).keys())
      },
      onPolling: why => write(log, pollingEntry(source, why)),
    })
  return {
    list,
    sweep,
    count: () => roster.all().length,
    visit: roster.visit,
    open: async () => {
      // watched before they are listed: what changes in between is heard of
      watchers = await Promise.all(sources.map(watched))
      await list()
    },
    close: async () => {
      closing.abort()
      await Promise.all(watchers.map(watcher => watcher.close()))
    },
  }
}
