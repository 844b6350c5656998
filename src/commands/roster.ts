/** The lineages a daemon knows, in which state each was last looked at, and whether it was heard of since. */
import type { Lineage } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import { type Discovered, discoverLineages } from '../edge/lineages.ts'
import type { Logger } from '../edge/log.ts'
import { pathStampsOf } from '../edge/signature.ts'
import type { App } from './engine.ts'
import { leftEntry, logEntry } from './entries.ts'
import { containsLineage, sourceLabel } from './sources.ts'

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

export interface Listed {
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
          { event: 'source', code: fault.code, advice: fault.advice },
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
