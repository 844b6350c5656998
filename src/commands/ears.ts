/** What follows when the watcher of a source tells of a change, or when it is time to look for changes oneself. */
import { lineageId } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import type { Logger } from '../edge/log.ts'
import type { WatcherDeps } from '../edge/watcher.ts'
import type { Inventory } from './roster.ts'
import { unheard } from './sweep.ts'

export interface WatchHandlerDeps {
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
