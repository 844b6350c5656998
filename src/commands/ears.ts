/** What follows when the watcher of a source tells of a change, or when it is time to look for changes oneself. */
import { lineageId } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'
import type { WatcherEffects } from '../edge/watcher.ts'
import type { Roster } from './roster.ts'

export interface EarsEffects {
  readonly roster: Roster
  /** Lists the sources anew, and nudges the lineages that are new. */
  readonly list: () => Promise<void>
  readonly nudge: (ids: readonly string[]) => void
  readonly onDeath: (error: unknown) => void
}

export function earsOf(
  source: Source,
  { roster, list, nudge, onDeath }: EarsEffects,
): Pick<WatcherEffects, 'onChange' | 'poll' | 'onDeath'> {
  const lineages = () => roster.all().filter(({ kind }) => kind === source.kind)
  const tell = (ids: readonly string[]) => {
    for (const id of ids) roster.hear(id)
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
      tell([...(await roster.strayed(lineages())).keys()])
    },
  }
}
