/** The lineages a daemon knows, in which state each was last looked at, and whether it was heard of since. */
import { lineageId } from '../acme/clients.ts'
import type { App } from '../app.ts'
import type { Source } from '../config/settings.ts'
import type { Logger } from '../log/logger.ts'
import { containsLineage, type Discovered, discoverLineages, sourceLabel } from '../sources/discover.ts'
import { pathStampsOf } from '../sources/fileStamp.ts'
import type { Lineage } from '../sources/lineage.ts'
import type { WatcherDeps } from '../sources/watcher.ts'
import { leftEntry, logEntry } from '../upload/report.ts'

export interface Inventory {
  /** Lists the sources anew. */
  readonly list: () => Promise<Listed>
  readonly all: () => readonly Lineage[]
  readonly count: () => number
  readonly get: (id: string) => Lineage | undefined
  /** The lineage of that name, marked as looked at in the state its files are in now. */
  readonly markChecked: (id: string) => Promise<Lineage | undefined>
  /** Somebody has told of a change of it, and it will be looked at. */
  readonly markNotified: (id: string) => void
  /** Lineages whose files are no longer as they were when last looked at, with the state that was. */
  readonly changedSinceLastCheck: (among: readonly Lineage[]) => Promise<ReadonlyMap<string, string>>
  /** Still in that state as far as anybody has looked, and nobody has told of a change. */
  readonly isStillUnnotified: (id: string, state: string) => boolean
}

interface Listed {
  /** Lineages that were not there before. */
  readonly added: readonly string[]
  /** The sources, and whether each could be listed; a usual place that is not there is none while another is. */
  readonly sources: ReadonlyMap<string, boolean>
}

export function createInventory(
  { settings, log }: Pick<App, 'settings' | 'log'>,
  sources: readonly Source[],
): Inventory {
  const known = new Map<string, Lineage>()
  const states = new Map<string, string>()
  const heard = new Set<string>()
  const sayFaults = sourceFaultLogger(log)
  const sayLeft = leftTeller(log)

  return {
    list: async () => {
      const { lineages: found, faults, left } = await discoverLineages(sources, settings.uploadOf)
      const lineages = found.filter(({ id }) => !settings.isExcluded(id))
      const fresh = lineages.filter(({ id }) => !known.has(id)).map(({ id }) => id)
      const kept = unreadableSources(sources, faults).flatMap(source =>
        [...known.values()].filter(lineage => containsLineage(source, lineage)),
      )
      known.clear()
      for (const lineage of [...kept, ...lineages]) known.set(lineage.id, lineage)
      for (const marks of [states, heard]) for (const id of marks.keys()) if (!known.has(id)) marks.delete(id)
      const idle = settings.sources.length ? [] : absentDefaults(sources, faults)
      sayFaults(faults, idle)
      sayLeft(left.filter(({ lineage }) => !settings.isExcluded(lineage)))
      return { added: fresh, sources: listingOf(sources, faults, idle) }
    },
    all: () => [...known.values()],
    count: () => known.size,
    get: id => known.get(id),
    markChecked: async id => {
      heard.delete(id)
      const lineage = known.get(id)
      if (lineage) states.set(id, await pathStampsOf(lineage))
      return lineage
    },
    markNotified: id => void heard.add(id),
    changedSinceLastCheck: async among => {
      // first, or one that is looked at meanwhile would seem to have changed since
      const before = among.map(({ id }) => states.get(id))
      const now = await Promise.all(among.map(pathStampsOf))
      return new Map(
        among.flatMap(({ id }, i) => {
          const state = before[i]
          return state === undefined || state === now[i] ? [] : [[id, state]]
        }),
      )
    },
    isStillUnnotified: (id, state) => states.get(id) === state && !heard.has(id),
  }
}

type Failures = Discovered['faults']

/** A source that cannot be read just now (no file left to open, a failing disk, half a file) is no empty one. */
const unreadableSources = (sources: readonly Source[], faults: Failures) =>
  sources.filter(source =>
    faults.some(({ lineage, fault }) => lineage === sourceLabel(source) && fault.code !== 'SOURCE_MISSING'),
  )

/** Most machines have one of the usual places, and few have several: those that are not there are nobody's loss. */
function absentDefaults(sources: readonly Source[], faults: Failures): readonly string[] {
  const missing = faults.filter(({ fault }) => fault.code === 'SOURCE_MISSING')
  return missing.length < sources.length ? missing.map(({ lineage }) => lineage) : []
}

const listingOf = (sources: readonly Source[], faults: Failures, idle: readonly string[]) =>
  new Map(
    sources
      .map(sourceLabel)
      .filter(title => !idle.includes(title))
      .map(title => [title, !faults.some(({ lineage }) => lineage === title)]),
  )

/** A source's fault is said when it begins and when it becomes another. */
function sourceFaultLogger(log: Logger) {
  const told = new Map<string, string>()
  return (faults: Failures, idle: readonly string[]) => {
    for (const { lineage, fault } of faults) {
      if (told.get(lineage) !== fault.message) {
        log[idle.includes(lineage) ? 'debug' : 'warn'](
          { event: 'source_error', code: fault.code, advice: fault.advice },
          `${lineage}: ${fault.message}`,
        )
      }
      told.set(lineage, fault.message)
    }
    for (const name of told.keys()) if (!faults.some(({ lineage }) => lineage === name)) told.delete(name)
  }
}

/** Said once, and again where it was carried in between. */
function leftTeller(log: Logger) {
  let told: ReadonlySet<string> = new Set()
  return (left: Discovered['left']) => {
    for (const one of left) if (!told.has(one.lineage)) logEntry(log, leftEntry(one))
    told = new Set(left.map(({ lineage }) => lineage))
  }
}

/** Of lineages that have strayed those that no event has told of, nor is one under way. */
export async function unheard(
  suspects: ReadonlyMap<string, string>,
  {
    roster,
    settle,
  }: { readonly roster: Pick<Inventory, 'isStillUnnotified'>; readonly settle: () => Promise<void> },
): Promise<readonly string[]> {
  if (suspects.size) await settle()
  return [...suspects].flatMap(([id, state]) => (roster.isStillUnnotified(id, state) ? [id] : []))
}

interface WatchHandlerDeps {
  readonly roster: Inventory
  /** Lists the sources anew, and nudges the lineages that are new. */
  readonly list: () => Promise<void>
  readonly nudge: (ids: readonly string[]) => void
  readonly onDeath: (error: unknown) => void
  /** Lets arrive what is under way. */
  readonly settle: () => Promise<void>
  readonly monotonic: () => number
  readonly log: Logger
}

/** Comparing takes a hundredth of the time at most: with ten thousand certificates it takes half a second. */
const SHARE = 100

/** However busy the machine is. In milliseconds. */
const LONGEST_REST = 60_000

export function watchHandlersFor(
  source: Source,
  { roster, list, nudge, onDeath, settle, monotonic, log }: WatchHandlerDeps,
): Pick<WatcherDeps, 'onChange' | 'poll' | 'compare' | 'onDeath'> {
  let restsUntil = 0
  const lineages = () => roster.all().filter(({ kind }) => kind === source.kind)
  const tell = (ids: readonly string[]) => {
    for (const id of ids) roster.markNotified(id)
    nudge(ids)
  }
  const heard = async (name: string | undefined) => {
    const id = name === undefined ? undefined : lineageId(source.kind, name)
    if (id !== undefined && roster.get(id)) return tell([id])
    await list()
    if (id === undefined) tell(lineages().map(one => one.id))
  }
  return {
    onDeath,
    onChange: name => void heard(name).catch(onDeath),
    poll: async () => {
      await list()
      tell([...(await roster.changedSinceLastCheck(lineages())).keys()])
    },
    compare: async () => {
      const began = monotonic()
      if (began < restsUntil) return false
      const known = new Set(lineages().map(({ id }) => id))
      await list()
      const suspects = await roster.changedSinceLastCheck(lineages())
      restsUntil = monotonic() + Math.min((monotonic() - began) * SHARE, LONGEST_REST)
      const changed = await unheard(suspects, { roster, settle })
      if (changed.length) {
        const some = `${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ', …' : ''}`
        log.info(
          { event: 'compared', source: source.kind, lineages: changed.length },
          `found by comparing, for no event told of it: ${changed.length} changed (${some})`,
        )
      }
      tell(changed)
      return changed.length > 0 || lineages().some(({ id }) => !known.has(id))
    },
  }
}
