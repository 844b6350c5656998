/** The lineages that the daemon knows, the state of their files at the last check, and whether an event came since. */
import type { App } from '../app.ts'
import type { Source } from '../config/settings.ts'
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
  /** An event reported a change, and a check is due. */
  readonly markNotified: (id: string) => void
  /** Lineages whose files have changed since the last check, with their state at that check. */
  readonly changedSinceLastCheck: (among: readonly Lineage[]) => Promise<ReadonlyMap<string, string>>
  /** Those of the changed lineages that were not checked since, and for which no event came while `settle` waits. */
  readonly missed: (
    changed: ReadonlyMap<string, string>,
    settle: () => Promise<void>,
  ) => Promise<readonly string[]>
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
  const loggedFaults = new Map<string, string>()
  let loggedRetired = new Set<string>()

  /** Logs the fault of a source when it begins and when it changes. */
  function logFaults(faults: Discovered['faults'], idle: readonly string[]): void {
    for (const { lineage, fault } of faults) {
      const level = idle.includes(lineage) ? 'debug' : 'warn'
      if (loggedFaults.get(lineage) !== fault.message)
        log[level](
          { event: 'source_error', code: fault.code, advice: fault.advice },
          `${lineage}: ${fault.message}`,
        )
    }
    loggedFaults.clear()
    for (const { lineage, fault } of faults) loggedFaults.set(lineage, fault.message)
  }

  /** Logs a retired lineage once, and again if it was in use in between. */
  function logRetired(retired: Discovered['left']): void {
    for (const one of retired) if (!loggedRetired.has(one.lineage)) logEntry(log, leftEntry(one))
    loggedRetired = new Set(retired.map(({ lineage }) => lineage))
  }

  return {
    list: async () => {
      const { lineages, faults, left } = await discoverLineages(sources, settings.forLineage)
      const found = lineages.filter(({ id }) => !settings.isExcluded(id))
      const added = found.map(({ id }) => id).filter(id => !known.has(id))
      const listed = sources.map(source => {
        const label = sourceLabel(source)
        return { source, label, fault: faults.find(({ lineage }) => lineage === label)?.fault }
      })
      // too many open files, a failing disk: the lineages of a source that cannot be read now are kept
      const unreadable = listed.filter(({ fault }) => fault && fault.code !== 'SOURCE_MISSING')
      const kept = [...known.values()].filter(one =>
        unreadable.some(({ source }) => containsLineage(source, one)),
      )
      known.clear()
      for (const lineage of [...kept, ...found]) known.set(lineage.id, lineage)
      for (const marks of [states, notified])
        for (const id of marks.keys()) if (!known.has(id)) marks.delete(id)

      // most machines have one of the default sources: the others are not reported as missing
      const missing = listed.filter(({ fault }) => fault?.code === 'SOURCE_MISSING').map(({ label }) => label)
      const isDefault = settings.sources.length === 0
      const idle = isDefault && missing.length < sources.length ? missing : []
      logFaults(faults, idle)
      logRetired(left.filter(({ lineage }) => !settings.isExcluded(lineage)))
      const shown = listed.filter(({ label }) => !idle.includes(label))
      return { added, sources: new Map(shown.map(({ label, fault }) => [label, !fault])) }
    },
    all: () => [...known.values()],
    count: () => known.size,
    get: id => known.get(id),
    markChecked: async id => {
      notified.delete(id)
      const lineage = known.get(id)
      if (lineage) states.set(id, pathStampsOf(lineage))
      return lineage
    },
    markNotified: id => void notified.add(id),
    changedSinceLastCheck: async among => {
      // read first: a lineage that is checked meanwhile must not seem changed
      const before = among.map(({ id }) => states.get(id))
      const now = among.map(pathStampsOf)
      const changed = new Map<string, string>()
      for (const [i, { id }] of among.entries()) {
        const state = before[i]
        if (state !== undefined && state !== now[i]) changed.set(id, state)
      }
      return changed
    },
    missed: async (changed, settle) => {
      if (changed.size) await settle()
      return [...changed]
        .filter(([id, state]) => states.get(id) === state && !notified.has(id))
        .map(([id]) => id)
    },
  }
}
