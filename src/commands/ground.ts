/** The ground a daemon watches: its sources, the watchers that tell of changes, and the sweeps that trust nobody. */
import { coalesced } from '../core/coalesced.ts'
import type { Lineage } from '../core/lineage.ts'
import { usualSources } from '../core/lineageIn.ts'
import { pollingEntry } from '../core/pollingNotice.ts'
import type { Source } from '../core/settings.ts'
import type { Metrics } from '../edge/metrics.ts'
import { openWatcher, type Watcher } from '../edge/watcher.ts'
import type { Rounds } from '../rounds.ts'
import type { World } from '../world.ts'
import { earsOf } from './ears.ts'
import type { Engine } from './engine.ts'
import { write } from './entries.ts'
import { openRoster, type Roster } from './roster.ts'
import { missedTeller, openSweep } from './sweep.ts'

export interface Ground {
  /** Begins to watch, and lists for the first time. */
  readonly open: () => Promise<void>
  /** The lineage of that name, marked as looked at in the state its files are in now. */
  readonly visit: (id: string) => Promise<Lineage | undefined>
  /** Lists the sources anew: new lineages are nudged, those that are gone forgotten. */
  readonly list: () => Promise<void>
  readonly sweep: (why: string) => Promise<void>
  readonly count: () => number
  /** At any time, while it opens too. */
  readonly close: () => Promise<void>
}

export interface GroundEffects {
  readonly rounds: Pick<Rounds, 'nudge' | 'keep'>
  /** Watching has died. */
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

/** An event that is under way reaches us within this time; what a sweep finds after it was missed. In milliseconds. */
const IN_FLIGHT = 1_000

/** A sweep that could not begin is tried again. In milliseconds. */
const UNSWEPT = 60_000

export function openGround(
  engine: Engine,
  world: World,
  { rounds, onDeath, metrics }: GroundEffects,
): Ground {
  const { settings, effects, log } = engine
  const { nudge } = rounds
  const sources = settings.sources.length ? settings.sources : usualSources(world.home)
  const roster = openRoster(engine, sources)
  const list = coalesced(() => listAnew(roster, { rounds, metrics }))
  const polled = new Set<Source>()
  const watch = (source: Source) =>
    openWatcher(source, {
      ...earsOf(source, { roster, list, nudge, onDeath, log, monotonic: world.monotonic, settle: arrived }),
      onPolling: why => {
        polled.add(source)
        write(log, pollingEntry(source, why))
      },
    })
  const closing = new AbortController()
  const settle = () => world.wait(IN_FLIGHT, closing.signal)
  /** When it closes, nothing that arrives counts any more. */
  const arrived = () => settle().catch(() => {})
  const later = (work: () => Promise<void>) =>
    void world
      .wait(UNSWEPT, closing.signal)
      .then(work)
      .catch(error => {
        if (!closing.signal.aborted) onDeath(error)
      })
  const onMissed = missedTeller({ sources, polled, roster, metrics, log })
  const sweep = openSweep({ roster, receipts: effects, list, settle, onMissed, later, nudge, log })
  let watchers: readonly Watcher[] = []
  return {
    list,
    sweep: why =>
      sweep(why).catch(error => {
        if (!closing.signal.aborted) throw error
      }),
    count: roster.count,
    visit: roster.visit,
    open: async () => {
      // watched before they are listed: what changes in between is heard of
      watchers = sources.map(watch)
      await Promise.all(watchers.map(({ ready }) => ready))
      await list()
    },
    close: async () => {
      closing.abort()
      await Promise.all(watchers.map(watcher => watcher.close()))
    },
  }
}

async function listAnew(roster: Roster, { rounds, metrics }: Omit<GroundEffects, 'onDeath'>): Promise<void> {
  const { fresh, sources } = await roster.list()
  const ids = new Set(roster.all().map(({ id }) => id))
  rounds.keep(ids)
  metrics()?.keep(ids)
  metrics()?.watching(sources)
  rounds.nudge(fresh)
}
