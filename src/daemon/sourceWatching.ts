/** Watches the sources: events, comparisons and rescans make certificates due. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { lineageId } from '../acme/clients.ts'
import type { App } from '../app.ts'
import type { Source } from '../config/settings.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { ProcessContext } from '../processContext.ts'
import { type Lineage, usualSources } from '../sources/lineage.ts'
import { createWatcher, pollingEntry, type Watcher, type WatcherDeps } from '../sources/watcher.ts'
import { logEntry } from '../upload/report.ts'
import { singleFlight } from '../util/async.ts'
import { EVENT_GRACE_MS, MAX_COMPARE_PAUSE_MS } from '../util/schedule.ts'
import { createInventory, type Inventory } from './inventory.ts'
import { createRescan } from './rescan.ts'
import type { WorkQueue } from './workQueue.ts'

interface SourceWatching {
  /** Starts to watch, and lists for the first time. */
  readonly open: () => Promise<void>
  readonly get: Inventory['get']
  /** The lineage with that ID, marked as checked in the present state of its files. */
  readonly markChecked: (id: string) => Promise<Lineage | undefined>
  /** Lists the sources again: new lineages are enqueued, removed ones forgotten. */
  readonly list: () => Promise<void>
  readonly rescan: (why: string) => Promise<void>
  readonly count: () => number
  readonly all: Inventory['all']
  /** The sources, and whether each could be read when it was listed last. */
  readonly watched: () => ReadonlyMap<string, boolean>
  /** At any time, also while it opens. */
  readonly close: () => Promise<void>
}

interface SourceWatchingDeps {
  readonly queue: Pick<WorkQueue, 'enqueue' | 'retain'>
  readonly onDeath: (error: unknown) => void
  readonly metrics: () => Metrics | undefined
}

const sourcesOf = ({ settings }: App, { home }: ProcessContext): readonly Source[] =>
  settings.sources.length ? settings.sources : usualSources(home)

export function watchSources(
  app: App,
  context: ProcessContext,
  { queue, onDeath, metrics }: SourceWatchingDeps,
): SourceWatching {
  const { effects, log } = app
  const { enqueue } = queue
  const sources = sourcesOf(app, context)
  const inventory = createInventory(app, sources)
  const polled = new Set<Source>()
  const closing = new AbortController()
  let watchers: readonly Watcher[] = []
  let watched: ReadonlyMap<string, boolean> = new Map()

  const list = singleFlight(async () => {
    const listed = await inventory.list()
    const ids = new Set(inventory.all().map(({ id }) => id))
    queue.retain(ids)
    metrics()?.keep(ids)
    metrics()?.watching(listed.sources)
    watched = listed.sources
    enqueue(listed.added)
  })
  const wait = (ms: number) => context.sleep(ms, closing.signal)
  const onError = (error: unknown) => {
    if (!closing.signal.aborted) onDeath(error)
  }
  const rescan = createRescan({
    sources,
    polled,
    inventory,
    receipts: effects,
    list,
    wait,
    enqueue,
    onDeath: onError,
    metrics,
    log,
  })

  function watch(source: Source): Watcher {
    const handlers = watchHandlersFor(source, {
      inventory,
      list,
      enqueue,
      onDeath,
      log,
      monotonicNow: context.monotonicNow,
      // after closing, events do not matter any more
      settle: () => wait(EVENT_GRACE_MS).catch(() => {}),
    })
    const onPolling = (why: string) => {
      polled.add(source)
      logEntry(log, pollingEntry(source, why))
    }
    return createWatcher(source, { ...handlers, onPolling })
  }

  return {
    list,
    rescan: why => rescan(why).catch(onError),
    count: inventory.count,
    all: inventory.all,
    watched: () => watched,
    get: inventory.get,
    markChecked: inventory.markChecked,
    open: async () => {
      // watched before they are listed, so that no change in between is missed
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

interface WatchHandlerDeps {
  readonly inventory: Inventory
  /** Lists the sources again, and enqueues the lineages that are new. */
  readonly list: () => Promise<void>
  readonly enqueue: (ids: readonly string[]) => void
  readonly onDeath: (error: unknown) => void
  /** Waits for events under way. */
  readonly settle: () => Promise<void>
  readonly monotonicNow: () => number
  readonly log: Logger
}

/** Comparing takes at most a hundredth of the time: with ten thousand certificates it takes half a second. */
const COMPARE_SHARE = 100

export function watchHandlersFor(
  source: Source,
  { inventory, list, enqueue, onDeath, settle, monotonicNow, log }: WatchHandlerDeps,
): Pick<WatcherDeps, 'onChange' | 'poll' | 'compare' | 'onDeath'> {
  let nextComparison = 0
  const lineages = () => inventory.all().filter(({ kind }) => kind === source.kind)
  const notify = (ids: readonly string[]) => {
    for (const id of ids) inventory.markNotified(id)
    enqueue(ids)
  }
  const onChange = async (name: string | undefined) => {
    const id = name === undefined ? undefined : lineageId(source.kind, name)
    if (id !== undefined && inventory.get(id)) return notify([id])
    await list()
    if (id === undefined) notify(lineages().map(one => one.id))
  }
  return {
    onDeath,
    onChange: name => void onChange(name).catch(onDeath),
    poll: async () => {
      await list()
      notify([...(await inventory.changedSinceLastCheck(lineages())).keys()])
    },
    compare: async () => {
      const start = monotonicNow()
      if (start < nextComparison) return false
      const known = new Set(lineages().map(({ id }) => id))
      await list()
      const changed = await inventory.changedSinceLastCheck(lineages())
      const end = monotonicNow()
      nextComparison = end + Math.min((end - start) * COMPARE_SHARE, MAX_COMPARE_PAUSE_MS)
      const missed = await inventory.missed(changed, settle)
      if (missed.length) {
        const names = `${missed.slice(0, 3).join(', ')}${missed.length > 3 ? ', …' : ''}`
        log.info(
          { event: 'compared', source: source.kind, lineages: missed.length },
          `comparison found ${missed.length} changed without an event (${names})`,
        )
      }
      notify(missed)
      return missed.length > 0 || lineages().some(({ id }) => !known.has(id))
    },
  }
}

/** The type in statfs(2) of what systemd mounts over home directories. */
const TMPFS = 16914836

/** Whether a path is missing below a folder that systemd emptied for this service. */
async function isHidden(path: string): Promise<boolean> {
  const error = await statfs(path).then(() => undefined, asErrno)
  if (error?.code !== 'ENOENT') return false
  for (let above = dirname(path); ; above = dirname(above)) {
    const found = await statfs(above).catch(() => undefined)
    if (found) return found.type === TMPFS
    if (above === '/') return false
  }
}

const asErrno = (error: unknown) => error as NodeJS.ErrnoException

/** Logs the sources that are hidden from this service: folders in home directories that were made after its start. */
export async function logHiddenSources(app: App, context: ProcessContext): Promise<void> {
  if (!context.env.INVOCATION_ID) return
  const hidden: string[] = []
  for (const source of sourcesOf(app, context)) {
    const path = source.kind === 'pem' ? source.chain : source.path
    if (await isHidden(path)) hidden.push(path)
  }
  if (!hidden.length) return
  app.log.info(
    {
      event: 'source_hidden',
      paths: hidden,
      advice:
        'If it is there: systemctl restart certferry. Paths in home directories other than /root/.acme.sh and /root/.lego need BindReadOnlyPaths= first (docs/operating.md).',
    },
    `this service does not see ${hidden.join(', ')}: folders in home directories are opened to it at its start`,
  )
}
