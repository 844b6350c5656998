/** The lineages a daemon knows, and the state in which each was last looked at. */
import type { Lineage } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import { type Found, findLineages } from '../edge/lineages.ts'
import { signatureOf } from '../edge/signature.ts'
import type { Engine } from './engine.ts'
import { holds, titleOf } from './sources.ts'

export interface Roster {
  /** Lists the sources anew; resolves to the lineages that are new, and the sources that could not be listed. */
  readonly list: () => Promise<{ readonly fresh: readonly string[]; readonly failed: ReadonlySet<string> }>
  readonly all: () => readonly Lineage[]
  readonly get: (id: string) => Lineage | undefined
  /** The lineage of that name, marked as looked at in the state its files are in now. */
  readonly visit: (id: string) => Promise<Lineage | undefined>
  /** Lineages whose files are no longer as they were when last looked at, with the state that was. */
  readonly strayed: (among: readonly Lineage[]) => Promise<ReadonlyMap<string, string>>
  /** Still in that state, as far as anybody has looked. */
  readonly isUnseen: (id: string, state: string) => boolean
}

export function openRoster({ settings, log }: Engine, sources: readonly Source[]): Roster {
  const known = new Map<string, Lineage>()
  const states = new Map<string, string>()
  const told = new Map<string, string>()

  /** A source's fault is said when it begins and when it becomes another. */
  const sayFaults = (faults: Found['faults']) => {
    for (const { lineage, fault } of faults) {
      // of the usual places most machines have one, and few have both
      const level = settings.sources.length || fault.code !== 'SOURCE_MISSING' ? 'warn' : 'debug'
      if (told.get(lineage) !== fault.message) {
        log[level](
          { event: 'source', code: fault.code, advice: fault.advice },
          `${lineage}: ${fault.message}`,
        )
      }
      told.set(lineage, fault.message)
    }
    for (const name of told.keys()) if (!faults.some(({ lineage }) => lineage === name)) told.delete(name)
  }
  /** A source that cannot be read just now (no file left to open, a failing disk) is no empty one. */
  const keptFrom = (faults: Found['faults']) => {
    const unread = sources.filter(source =>
      faults.some(({ lineage, fault }) => lineage === titleOf(source) && fault.code === 'SOURCE_UNREADABLE'),
    )
    return [...known.values()].filter(lineage => unread.some(source => holds(source, lineage)))
  }
  return {
    list: async () => {
      const found = await findLineages(sources, settings.uploadOf)
      const { faults } = found
      const lineages = found.lineages.filter(({ id }) => !settings.isSkipped(id))
      const fresh = lineages.filter(({ id }) => !known.has(id)).map(({ id }) => id)
      const kept = keptFrom(faults)
      known.clear()
      for (const lineage of [...kept, ...lineages]) known.set(lineage.id, lineage)
      for (const id of states.keys()) if (!known.has(id)) states.delete(id)
      sayFaults(faults)
      return { fresh, failed: new Set(faults.map(({ lineage }) => lineage)) }
    },
    all: () => [...known.values()],
    get: id => known.get(id),
    visit: async id => {
      const lineage = known.get(id)
      if (lineage) states.set(id, await signatureOf(lineage))
      return lineage
    },
    strayed: async among => {
      const found = new Map<string, string>()
      for (const lineage of among) {
        const before = states.get(lineage.id)
        if (before !== undefined && before !== (await signatureOf(lineage))) found.set(lineage.id, before)
      }
      return found
    },
    isUnseen: (id, state) => states.get(id) === state,
  }
}
