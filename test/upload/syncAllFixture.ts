/** Lineages on a disk in memory, and a run over them. */
import { type SyncAllDeps, syncAll } from '../../src/upload/syncAll.ts'
import { issue } from '../fixtures/certificates.ts'
import { lineageOf, memory, WISHES, type Written } from './inMemoryDeps.ts'

export const old = await issue({ notBefore: new Date(Date.now() - 60 * 86_400_000) })
export const fresh = await issue()

export function stage(
  disk: Readonly<Record<string, Written | (() => Written)>>,
  changes: Partial<SyncAllDeps> = {},
) {
  const kept = memory(changes)
  for (const [name, written] of Object.entries(disk)) kept.disk.set(name, written)
  const lineages = Object.keys(disk).map(name => lineageOf(name))
  return { ...kept, run: (which = lineages) => syncAll(which, kept.effects, WISHES) }
}

/** One state after the other, look by look; the last one stays. */
export const inTurn = (...states: readonly Written[]) => {
  let look = 0
  return () => states[Math.min(look++, states.length - 1)] as Written
}

export const mixed = { chain: fresh.chain, key: old.key }
export const alone = { chain: fresh.leaf, key: fresh.key, settled: false }
