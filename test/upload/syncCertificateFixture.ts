/** One lineage on a disk in memory, and a look at it. */
import type { SyncAllDeps } from '../../src/upload/syncAll.ts'
import { syncCertificate } from '../../src/upload/syncCertificate.ts'
import { issue } from '../fixtures/certificates.ts'
import { lineageOf, memory, WISHES, type Written } from './inMemoryDeps.ts'

const DAY = 86_400_000
export const days = (count: number) => new Date(Date.now() + count * DAY)

export const first = await issue({ notBefore: days(-60), notAfter: days(30) })
export const renewed = await issue()
export const lineage = lineageOf('a')

export function stage(changes: Partial<SyncAllDeps> = {}, written: Written = first) {
  const kept = memory(changes)
  kept.disk.set('a', written)
  const look = (wishes: Partial<typeof WISHES> = {}, which = lineage) =>
    syncCertificate(which, kept.effects, { ...WISHES, ...wishes })
  return { ...kept, look, put: (next: Written) => kept.disk.set('a', next) }
}

export const reject = (error: unknown) => () => Promise.reject(error)
