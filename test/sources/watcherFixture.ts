/** A source in a folder of its own, watched; and what was there to be seen each time the watcher told of a change. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Source } from '../../src/config/settings.ts'
import { createWatcher } from '../../src/sources/watcher.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

/** Long enough never to come in a test: what is told of was told by an event. */
export const NEVER = 2 ** 30

export interface Stage {
  readonly folder: string
  readonly root: string
}

export async function watched(
  kind: 'certbot' | 'acme.sh',
  prepare: (stage: Stage) => Promise<unknown> = async () => {},
  { pulse = NEVER }: { readonly pulse?: number } = {},
) {
  const folder = await temporaryDirectory()
  const root = join(folder, 'source')
  await prepare({ folder, root })
  return { folder, root, ...(await watching({ kind, path: root, keys: {} }, pulse)) }
}

export async function watching(source: Source, pulse = NEVER) {
  const changes: Array<string | undefined> = []
  const deaths: unknown[] = []
  const polled: string[] = []
  /** By path: its state when a change was last told of. */
  const seen = new Map<string, string>()
  const wanted = new Set<string>()
  const watcher = createWatcher(source, {
    onChange: name => {
      changes.push(name)
      for (const path of wanted) seen.set(path, stateOf(path))
    },
    onDeath: error => void deaths.push(error),
    onPolling: why => void polled.push(why),
    poll: async () => void polled.push('poll'),
    compare: async () => false,
    pulse,
  })
  await watcher.ready
  onTestFinished(() => watcher.close())
  /** Acts, and waits until a change has been told of after the last of these files was written. */
  const reports = async (act: () => Promise<unknown>, ...paths: readonly string[]) => {
    seen.clear()
    for (const path of paths) wanted.add(path)
    await act()
    await expect.poll(() => paths.map(path => seen.get(path)), { interval: 5 }).toEqual(paths.map(stateOf))
    wanted.clear()
  }
  return { watcher, changes, deaths, polled, reports }
}

function stateOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : 'none'
}
