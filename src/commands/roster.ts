/** The lineages a daemon knows, in which state each was last looked at, and whether it was heard of since. */
import type { Lineage } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import { type Found, findLineages } from '../edge/lineages.ts'
import type { Log } from '../edge/log.ts'
import { signatureOf } from '../edge/signature.ts'
import type { Engine } from './engine.ts'
import { leftEntry, write } from './entries.ts'
import { holds, titleOf } from './sources.ts'

export interface Roster {
  /** Lists the sources anew. */
  readonly list: () => Promise<Listed>
  readonly all: () => readonly Lineage[]
  readonly count: () => number
  readonly get: (id: string) => Lineage | undefined
  /** The lineage of that name, marked as looked at in the state its files are in now. */
  readonly visit: (id: string) => Promise<Lineage | undefined>
  /** Somebody has told of a change of it, and it will be looked at. */
  readonly hear: (id: string) => void
  /** Lineages whose files are no longer as they were when last looked at, with the state that was. */
  readonly strayed: (among: readonly Lineage[]) => Promise<ReadonlyMap<string, string>>
  /** Still in that state as far as anybody has looked, and nobody has told of a change. */
  readonly isUnseen: (id: string, state: string) => boolean
}

export interface Listed {
  /** Lineages that were not there before. */
  readonly fresh: readonly string[]
  /** The sources, and whether each could be listed; a usual place that is not there is none while another is. */
  readonly sources: ReadonlyMap<string, boolean>
}

export function openRoster(
  { settings, log }: Pick<Engine, 'settings' | 'log'>,
  sources: readonly Source[],
): Roster {
  const known = new Map<string, Lineage>()
  const states = new Map<string, string>()
  const heard = new Set<string>()
  const sayFaults = faultTeller(log)
  const sayLeft = leftTeller(log)

  return {
    list: async () => {
      const { lineages: found, faults, left } = await findLineages(sources, settings.uploadOf)
      const lineages = found.filter(({ id }) => !settings.isSkipped(id))
      const fresh = lineages.filter(({ id }) => !known.has(id)).map(({ id }) => id)
      const kept = unreadOf(sources, faults).flatMap(source =>
        [...known.values()].filter(lineage => holds(source, lineage)),
      )
      known.clear()
      for (const lineage of [...kept, ...lineages]) known.set(lineage.id, lineage)
      for (const marks of [states, heard]) for (const id of marks.keys()) if (!known.has(id)) marks.delete(id)
      const idle = settings.sources.length ? [] : idleAmong(sources, faults)
      sayFaults(faults, idle)
      sayLeft(left.filter(({ lineage }) => !settings.isSkipped(lineage)))
      return { fresh, sources: listedOf(sources, faults, idle) }
    },
    all: () => [...known.values()],
    count: () => known.size,
    get: id => known.get(id),
    visit: async id => {
      heard.delete(id)
      const lineage = known.get(id)
      if (lineage) states.set(id, await signatureOf(lineage))
      return lineage
    },
    hear: id => void heard.add(id),
    strayed: async among => {
      // first, or one that is looked at meanwhile would seem to have changed since
      const before = among.map(({ id }) => states.get(id))
      const now = await Promise.all(among.map(signatureOf))
      return new Map(
        among.flatMap(({ id }, i) => {
          const state = before[i]
          return state === undefined || state === now[i] ? [] : [[id, state]]
        }),
      )
    },
    isUnseen: (id, state) => states.get(id) === state && !heard.has(id),
  }
}

type Failures = Found['faults']

/** A source that cannot be read just now (no file left to open, a failing disk, half a file) is no empty one. */
const unreadOf = (sources: readonly Source[], faults: Failures) =>
  sources.filter(source =>
    faults.some(({ lineage, fault }) => lineage === titleOf(source) && fault.code !== 'SOURCE_MISSING'),
  )

/** Most machines have one of the usual places, and few have several: those that are not there are nobody's loss. */
function idleAmong(sources: readonly Source[], faults: Failures): readonly string[] {
  const missing = faults.filter(({ fault }) => fault.code === 'SOURCE_MISSING')
  return missing.length < sources.length ? missing.map(({ lineage }) => lineage) : []
}

const listedOf = (sources: readonly Source[], faults: Failures, idle: readonly string[]) =>
  new Map(
    sources
      .map(titleOf)
      .filter(title => !idle.includes(title))
      .map(title => [title, !faults.some(({ lineage }) => lineage === title)]),
  )

/** A source's fault is said when it begins and when it becomes another. */
function faultTeller(log: Log) {
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
function leftTeller(log: Log) {
  let told: ReadonlySet<string> = new Set()
  return (left: Found['left']) => {
    for (const one of left) if (!told.has(one.lineage)) write(log, leftEntry(one))
    told = new Set(left.map(({ lineage }) => lineage))
  }
}
