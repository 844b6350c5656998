/** What a pass costs by how many lineages there are, and by how many of them were renewed. */

import { exponent, line, type Point } from '../fit.ts'
import { openService } from '../localService.ts'
import { median } from '../pairs.ts'
import { plotted } from '../plot.ts'
import { type Environment, used } from '../process.ts'
import { BUILT, type Program } from '../programs.ts'
import { renewTree, writeTree } from '../trees.ts'
import { aged, carry, openEstate, sourcesOf } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

const PASSES = 3
export async function growth(workplace: Workplace): Promise<readonly Figure[]> {
  const byRenewals = await renewalsGrow(workplace)
  const [byLineages, leftOut] = await lineagesGrow(workplace)
  const [lineage, renewal] = [line(byLineages).slope * 1_000, line(byRenewals).slope]
  workplace.plot(
    'run-by-lineages',
    plotOfLineages(byLineages, `${lineage.toFixed(0)} µs a lineage; ${powerOf(byLineages)}`),
  )
  workplace.plot('run-by-renewals', plotOfRenewals(byRenewals, `${renewal.toFixed(1)} ms a renewal`))
  const says = (points: readonly Point[]) => points.map(([x, ms]) => `${x}: ${ms.toFixed(0)} ms`).join(', ')
  return [
    {
      id: 'growth-lineages',
      value: line(byLineages).slope * 1_000,
      says: [says(byLineages), powerOf(byLineages), leftOut].filter(Boolean).join('; '),
    },
    { id: 'growth-renewals', value: line(byRenewals).slope, says: says(byRenewals) },
  ]
}

/** Start-up aside, which small passes consist of. */
const powerOf = (points: readonly Point[]) => {
  const [, start = 0] = points[0] ?? []
  return `exponent ${exponent(points.slice(1).map(([x, ms]) => [x, ms - start])).toFixed(2)} without start-up`
}

async function lineagesGrow(workplace: Workplace): Promise<readonly [readonly Point[], string]> {
  const service = await openService()
  try {
    const grown = await unchangedPasses(workplace, service.environment)
    if (service.emulator.entries.length) throw new Error('what was to be unchanged has been uploaded')
    return grown
  } finally {
    await service.close()
  }
}

async function unchangedPasses(
  workplace: Workplace,
  env: Environment,
): Promise<readonly [readonly Point[], string]> {
  const points: Point[] = []
  /** Milliseconds that every size takes, and what one more lineage adds to them. */
  let [fixed, each] = [Number.POSITIVE_INFINITY, 0]
  for (const lineages of workplace.sizes.passes) {
    const expected = points.length ? (fixed + each * lineages) / 1_000 : 0
    if (expected > workplace.left())
      return [points, `${lineages} left out: they would take ${expected.toFixed(0)} s of the ten minutes`]
    workplace.say(`  a run over ${lineages} unchanged lineages`)
    const start = performance.now()
    const { words } = await openEstate(workplace, { lineages, sparse: true })
    points.push([lineages, await passTime([...BUILT, 'sync', ...words], env)])
    const taken = performance.now() - start
    fixed = Math.min(fixed, taken)
    each = (taken - fixed) / lineages
  }
  return [points, '']
}

async function passTime(program: Program, env: Environment): Promise<number> {
  const times: number[] = []
  for (let i = 0; i <= PASSES; i++) times.push((await used(program, { env })).wall)
  return median(times.slice(1))
}

/** Always another number of one and the same thousand, at the highest rate that can be asked for. */
async function renewalsGrow({ sizes, pool, place, say }: Workplace): Promise<readonly Point[]> {
  const count = Math.max(...sizes.renewed)
  const root = writeTree(place('letsencrypt'), count, await pool.fresh(count))
  const state = place('state')
  const service = await openService()
  const points: Point[] = []
  try {
    await aged()
    await carry([root], state, service.environment)
    for (const [round, renewed] of sizes.renewed.entries()) {
      say(`  a run over ${count} lineages with ${renewed} renewals`)
      for (const [i, pair] of (await pool.fresh(renewed)).entries()) renewTree(root, i, pair, round + 2)
      await aged()
      const before = service.emulator.entries.length
      const words = ['sync', '--rate', '1000', ...sourcesOf([root]), '--state-dir', state]
      const { wall } = await used([...BUILT, ...words], { env: service.environment })
      const sent = service.emulator.entries.length - before
      if (sent !== renewed) throw new Error(`${renewed} renewals, ${sent} requests`)
      points.push([renewed, wall])
    }
  } finally {
    await service.close()
  }
  return points
}

const plotOfLineages = (points: readonly Point[], slope: string) =>
  plotted({
    title: 'Time of a run in which nothing has changed, by lineages',
    x: { name: 'lineages', scale: 'log' },
    y: { name: 'ms', scale: 'log' },
    points,
    slope,
  })

const plotOfRenewals = (points: readonly Point[], slope: string) =>
  plotted({
    title: 'Time of a run over 1,000 lineages, by how many were renewed',
    x: { name: 'renewals', scale: 'linear' },
    y: { name: 'ms', scale: 'linear' },
    points,
    slope,
  })
