/** Whether changes in the sources' folders are heard of: the file systems they lie on, and what the kernel allows to watch. */
import { type Finding, warning } from '../../core/finding.ts'
import { pollingEntry } from '../../core/pollingNotice.ts'
import type { Source } from '../../core/settings.ts'
import { budgetFinding } from '../../core/watchBudget.ts'
import { silentAmong } from '../../edge/filesystem.ts'
import { watchBudget, watchesNeeded } from '../../edge/inotify.ts'
import { watchScopeOf } from '../../edge/view.ts'
import type { CheckContext } from './scene.ts'

export async function watching({ sources, machine }: CheckContext): Promise<readonly Finding[]> {
  const seen = await Promise.all(sources.map(looked))
  const polled = seen.flatMap(({ source, silent }) => (silent ? [polling(source, silent)] : []))
  const heard = seen.filter(({ silent }) => !silent)
  if (!heard.length) return polled
  const needed = heard.reduce((sum, { needed }) => sum + needed, 0)
  return [...polled, budgetFinding(needed, await watchBudget(machine.user().uid))]
}

async function looked(source: Source) {
  const view = await watchScopeOf(source)
  const silent = await silentAmong(view.folders)
  return { source, silent, needed: silent ? 0 : await watchesNeeded(view) }
}

/** In the daemon's own words. */
function polling(source: Source, why: string): Finding {
  const { message, fields } = pollingEntry(source, why)
  return warning('watching', message, { advice: String(fields.advice) })
}
