/** From the last write of a renewal to the arrival of its request, with a thousand and with ten thousand lineages watched. */
import { setTimeout } from 'node:timers/promises'
import { certbotRenew } from '../../test/fixtures/producers.ts'
import { quiet, startDaemon } from '../daemon.ts'
import { openService, type Service } from '../localService.ts'
import { quantile } from '../pairs.ts'
import { BUILT } from '../programs.ts'
import { nameOf } from '../trees.ts'
import { type Estate, openEstate, sharedEstate } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

/** What follows it only takes the links back that a failed renewal would have needed. */
const LAST = 'link fullchain'
const PATIENCE = 10_000

export async function latency(workplace: Workplace): Promise<readonly Figure[]> {
  const { sizes, say } = workplace
  const [, large] = sizes.watched
  const few = await openEstate(workplace, { lineages: sizes.latencyLineages })
  const taken = await renewedIn(few, sizes.latencyLineages, workplace)
  say(`  ${large} lineages are watched`)
  // the last to use it, because this changes it
  const late = await renewedIn(await sharedEstate(workplace, large), large, workplace)
  return [
    { id: 'latency-median', value: quantile(taken, 0.5), says: `${taken.length} renewals one by one` },
    { id: 'latency-late', value: quantile(taken, 0.99), says: `the longest ${Math.max(...taken)} ms` },
    {
      id: 'latency-large',
      value: quantile(late, 0.99),
      says: `the longest ${Math.max(...late)} ms, median ${quantile(late, 0.5)} ms`,
    },
  ]
}

async function renewedIn({ roots, words }: Estate, lineages: number, workplace: Workplace) {
  const service = await openService()
  const daemon = await startDaemon(
    [...BUILT, 'watch', '--rate', '1000', ...words],
    ' watching: ',
    service.environment,
  )
  try {
    await quiet(daemon)
    return await renewals(roots, lineages, service, workplace)
  } finally {
    await daemon.end()
    await service.close()
  }
}

async function renewals(
  roots: readonly string[],
  lineages: number,
  { emulator }: Service,
  { sizes, pool }: Workplace,
): Promise<readonly number[]> {
  const taken: number[] = []
  const half = Math.ceil(lineages / roots.length)
  for (const [i, pair] of (await pool.fresh(sizes.renewals)).entries()) {
    const which = (i * 37) % lineages
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
