/** The ground a daemon watches: its sources, the watchers that tell of changes, and the sweeps that trust nobody. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { App } from '../app.ts'
import type { Source } from '../config/settings.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ProcessContext } from '../processContext.ts'
import { type Lineage, usualSources } from '../sources/lineage.ts'
import { createWatcher, pollingEntry, type Watcher } from '../sources/watcher.ts'
import { logEntry } from '../upload/report.ts'
import { singleFlight } from '../util/async.ts'
import { createInventory, type Inventory, watchHandlersFor } from './inventory.ts'
import { createRescan, reportMissedChanges } from './rescan.ts'
import type { WorkQueue } from './workQueue.ts'

export interface SourceWatching {
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

interface SourceWatchingDeps {
  readonly rounds: Pick<WorkQueue, 'enqueue' | 'retain'>
  /** Watching has died. */
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

/** An event that is under way reaches us within this time; what a sweep finds after it was missed. In milliseconds. */
const EVENT_GRACE_MS = 1_000

/** A sweep that could not begin is tried again. In milliseconds. */
const UNSWEPT = 60_000

export function startWatching(
  engine: App,
  world: ProcessContext,
  { rounds, onDeath, metrics }: SourceWatchingDeps,
): SourceWatching {
  const { settings, effects, log } = engine
  const { enqueue: nudge } = rounds
  const sources = settings.sources.length ? settings.sources : usualSources(world.home)
  const roster = createInventory(engine, sources)
  const list = singleFlight(() => relist(roster, { rounds, metrics }))
  const polled = new Set<Source>()
  const watch = (source: Source) =>
    createWatcher(source, {
      ...watchHandlersFor(source, {
        roster,
        list,
        nudge,
        onDeath,
        log,
        monotonic: world.monotonicNow,
        settle: arrived,
      }),
      onPolling: why => {
        polled.add(source)
        logEntry(log, pollingEntry(source, why))
      },
    })
  const closing = new AbortController()
  const settle = () => world.sleep(EVENT_GRACE_MS, closing.signal)
  /** When it closes, nothing that arrives counts any more. */
  const arrived = () => settle().catch(() => {})
  const later = (work: () => Promise<void>) =>
    void world
      .sleep(UNSWEPT, closing.signal)
      .then(work)
      .catch(error => {
        if (!closing.signal.aborted) onDeath(error)
      })
  const onMissed = reportMissedChanges({ sources, polled, roster, metrics, log })
  const sweep = createRescan({ roster, receipts: effects, list, settle, onMissed, later, nudge, log })
  let watchers: readonly Watcher[] = []
  return {
    list,
    sweep: why =>
      sweep(why).catch(error => {
        if (!closing.signal.aborted) throw error
      }),
    count: roster.count,
    visit: roster.markChecked,
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

/** Of statfs(2): what systemd puts in the place of home directories. */
const TMPFS = 16914836

/** Whether a path is missing below a folder that systemd emptied for this service. */
async function isHidden(path: string): Promise<boolean> {
  const code = await statfs(path).then(
    () => undefined,
    error => (error as NodeJS.ErrnoException).code,
  )
  if (code !== 'ENOENT') return false
  for (let above = dirname(path); ; above = dirname(above)) {
    const found = await statfs(above).catch(() => undefined)
    if (found) return found.type === TMPFS
    if (above === dirname(above)) return false
  }
}

/** A folder that a client made after the start is not in the service's view: the operator, who asks for a check, is told. */
export async function logHiddenSources({ settings, log }: App, { env, home }: ProcessContext): Promise<void> {
  if (!env.INVOCATION_ID) return
  const sources = settings.sources.length ? settings.sources : usualSources(home)
  const paths = sources.map(source => (source.kind === 'pem' ? source.chain : source.path))
  const hidden: string[] = []
  for (const path of paths) if (await isHidden(path)) hidden.push(path)
  if (!hidden.length) return
  log.info(
    {
      event: 'source_hidden',
      paths: hidden,
      advice:
        'If it is there: sudo systemctl restart certferry. Paths in home directories other than /root/.acme.sh and /root/.lego need BindReadOnlyPaths= first (docs/systemd.md).',
    },
    `this service does not see ${hidden.join(', ')}: folders in home directories are opened to it at its start`,
  )
}

async function relist(
  roster: Inventory,
  { rounds, metrics }: Omit<SourceWatchingDeps, 'onDeath'>,
): Promise<void> {
  const { added: fresh, sources } = await roster.list()
  const ids = new Set(roster.all().map(({ id }) => id))
  rounds.retain(ids)
  metrics()?.keep(ids)
  metrics()?.watching(sources)
  rounds.enqueue(fresh)
}
