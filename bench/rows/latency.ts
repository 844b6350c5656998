/** From the last write of a renewal to the arrival of its request, with a thousand lineages watched. */
import { setTimeout } from 'node:timers/promises'
import { certbotRenew } from '../../test/fixtures/producers.ts'
import { quiet, startDaemon } from '../daemon.ts'
import { openService, type Service } from '../localService.ts'
import { quantile } from '../pairs.ts'
import { BUILT } from '../programs.ts'
import { nameOf } from '../trees.ts'
import { openEstate } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

/** What follows it only takes the links back that a failed renewal would have needed. */
const LAST = 'link fullchain'
const PATIENCE = 10_000

export async function latency(workplace: Workplace): Promise<readonly Figure[]> {
  const { sizes } = workplace
  const { roots, words } = await openEstate(workplace, { lineages: sizes.latencyLineages })
  const service = await openService()
  const daemon = await startDaemon(
    [...BUILT, 'watch', '--rate', '1000', ...words],
    ' watching: ',
    service.environment,
  )
  try {
    await quiet(daemon)
    const taken = await renewals(roots, service, workplace)
    const late = Math.max(...taken)
    return [
      { id: 'latency-median', value: quantile(taken, 0.5), says: `${taken.length} renewals one by one` },
      { id: 'latency-late', value: quantile(taken, 0.99), says: `the longest ${late} ms` },
    ]
  } finally {
    await daemon.end()
    await service.close()
  }
}

async function renewals(
  roots: readonly string[],
  { emulator }: Service,
  { sizes, pool }: Workplace,
): Promise<readonly number[]> {
  const taken: number[] = []
  const half = Math.ceil(sizes.latencyLineages / roots.length)
  for (const [i, pair] of (await pool.fresh(sizes.renewals)).entries()) {
    const which = (i * 37) % sizes.latencyLineages
    const root = roots[Math.floor(which / half)] ?? ''
    const before = emulator.entries.length
    let written = 0
    for (const step of certbotRenew(root, nameOf(which), pair)) {
      await step.run()
      if (step.name === LAST) written = Date.now()
    }
    for (let waited = 0; emulator.entries.length === before; waited += 5) {
      if (waited > PATIENCE) throw new Error(`${nameOf(which)} was renewed and not uploaded`)
      await setTimeout(5)
    }
    taken.push((emulator.entries[before]?.at ?? Number.NaN) - written)
  }
  return taken
}
