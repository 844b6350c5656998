/** The lineages that the daemon knows, the state of their files at the last check, and whether an event came since. */
import type { App } from '../app.ts'
import type { Source } from '../config/settings.ts'
import type { Logger } from '../log/logger.ts'
import { containsLineage, type Discovered, discoverLineages, sourceLabel } from '../sources/discover.ts'
import { pathStampsOf } from '../sources/fileStamp.ts'
import type { Lineage } from '../sources/lineage.ts'
import { leftEntry, logEntry } from '../upload/report.ts'

export interface Inventory {
  /** Lists the sources again. */
  readonly list: () => Promise<Listed>
  readonly all: () => readonly Lineage[]
  readonly count: () => number
  readonly get: (id: string) => Lineage | undefined
  /** The lineage with that ID, marked as checked in the present state of its files. */
  readonly markChecked: (id: string) => Promise<Lineage | undefined>
  /** An event logged of a change, and a check is due. */
  readonly markNotified: (id: string) => void
  /** Lineages whose files have changed since the last check, with their state at that check. */
  readonly changedSinceLastCheck: (among: readonly Lineage[]) => Promise<ReadonlyMap<string, string>>
  /** Not checked since it was in that state, and no event has logged of a change. */
  readonly isStillUnnotified: (id: string, state: string) => boolean
}

interface Listed {
  /** Lineages that are new. */
  readonly added: readonly string[]
  /** The sources, and whether each could be listed. A default source that is missing is left out while another exists. */
  readonly sources: ReadonlyMap<string, boolean>
}

export function createInventory(
  { settings, log }: Pick<App, 'settings' | 'log'>,
  sources: readonly Source[],
): Inventory {
  const known = new Map<string, Lineage>()
  const states = new Map<string, string>()
  const notified = new Set<string>()
  const logFaults = sourceFaultLogger(log)
  const logRetired = retiredLogger(log)

  return {
    list: async () => {
      const { lineages: found, faults, left } = await discoverLineages(sources, settings.uploadOf)
      const lineages = found.filter(({ id }) => !settings.isExcluded(id))
      const added = lineages.filter(({ id }) => !known.has(id)).map(({ id }) => id)
      const kept = unreadableSources(sources, faults).flatMap(source =>
        [...known.values()].filter(lineage => containsLineage(source, lineage)),
      )
      known.clear()
      for (const lineage of [...kept, ...lineages]) known.set(lineage.id, lineage)
      for (const marks of [states, notified])
        for (const id of marks.keys()) if (!known.has(id)) marks.delete(id)
      const idle = settings.sources.length ? [] : absentDefaults(sources, faults)
      logFaults(faults, idle)
      logRetired(left.filter(({ lineage }) => !settings.isExcluded(lineage)))
      return { added, sources: listingOf(sources, faults, idle) }
    },
    all: () => [...known.values()],
    count: () => known.size,
    get: id => known.get(id),
    markChecked: async id => {
      notified.delete(id)
      const lineage = known.get(id)
      if (lineage) states.set(id, await pathStampsOf(lineage))
      return lineage
    },
    markNotified: id => void notified.add(id),
    changedSinceLastCheck: async among => {
      // read first: a lineage that is checked meanwhile must not seem changed
      const before = among.map(({ id }) => states.get(id))
      const now = await Promise.all(among.map(pathStampsOf))
      return new Map(
        among.flatMap(({ id }, i) => {
          const state = before[i]
          return state === undefined || state === now[i] ? [] : [[id, state]]
        }),
      )
    },
    isStillUnnotified: (id, state) => states.get(id) === state && !notified.has(id),
  }
}

type Failures = Discovered['faults']

/** The lineages of a source that cannot be read now (too many open files, a failing disk) are kept. */
const unreadableSources = (sources: readonly Source[], faults: Failures) =>
  sources.filter(source =>
    faults.some(({ lineage, fault }) => lineage === sourceLabel(source) && fault.code !== 'SOURCE_MISSING'),
  )

/** Most machines have one of the default sources: the others are not reported as missing. */
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

/** Logs the fault of a source when it begins and when it changes. */
function sourceFaultLogger(log: Logger) {
  const logged = new Map<string, string>()
  return (faults: Failures, idle: readonly string[]) => {
    for (const { lineage, fault } of faults) {
      if (logged.get(lineage) !== fault.message) {
        log[idle.includes(lineage) ? 'debug' : 'warn'](
          { event: 'source_error', code: fault.code, advice: fault.advice },
          `${lineage}: ${fault.message}`,
        )
      }
      logged.set(lineage, fault.message)
    }
    for (const name of logged.keys()) if (!faults.some(({ lineage }) => lineage === name)) logged.delete(name)
  }
}

/** Logs a retired lineage once, and again if it was in use in between. */
function retiredLogger(log: Logger) {
  let logged: ReadonlySet<string> = new Set()
  return (left: Discovered['left']) => {
    for (const one of left) if (!logged.has(one.lineage)) logEntry(log, leftEntry(one))
    logged = new Set(left.map(({ lineage }) => lineage))
  }
}

/** Those of the changed lineages that no event has logged of, when events under way have had time to arrive. */
export async function missedChanges(
  changed: ReadonlyMap<string, string>,
  inventory: Pick<Inventory, 'isStillUnnotified'>,
  settle: () => Promise<void>,
): Promise<readonly string[]> {
  if (changed.size) await settle()
  return [...changed].flatMap(([id, state]) => (inventory.isStillUnnotified(id, state) ? [id] : []))
}
