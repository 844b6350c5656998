/** The daemon at rest: how soon it watches, what it takes while nothing happens, and how its memory grows. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Daemon, quiet, startDaemon } from '../daemon.ts'
import { exponent, line } from '../fit.ts'
import { openService } from '../localService.ts'
import { median } from '../pairs.ts'
import { plotted } from '../plot.ts'
import type { Environment } from '../process.ts'
import { BUILT, PACKAGES, ROOT } from '../programs.ts'
import { sharedEstate } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

/** What a daemon without a configuration file loads; what is no longer depended upon is not loaded for the comparison either. */
const NEEDED = ['undici', 'chokidar', 'node-cron', 'ini']

/** Milliseconds after the last work within which V8 tidies up its heap, once: what a daemon weighs and takes for months is after that. */
const TIDYING = 15_000

/** Milliseconds; for points of the plot alone, whose idleness no row asks for. */
const GLANCE = 1_000

interface Watched {
  readonly lineages: number
  /** Milliseconds of every start. */
  readonly ready: readonly number[]
  /** Share of one core. */
  readonly idle: number
  readonly memory: number
  readonly watches: number
}

export async function watch(workplace: Workplace): Promise<readonly Figure[]> {
  const { sizes, say } = workplace
  const [small, large] = sizes.watched
  const service = await openService()
  try {
    const bare = await bareMemory()
    const none = await watched(1, workplace, service.environment)
    const all: Watched[] = [none]
    for (const lineages of [small, ...sizes.watchedBetween, large].sort((a, b) => a - b)) {
      say(`  ${lineages} lineages are watched`)
      all.push(await watched(lineages, workplace, service.environment))
    }
    workplace.plot('watch-memory', plotOf(all))
    const at = (lineages: number) => all.find(one => one.lineages === lineages) ?? none
    return [
      ...rowsOf('watch-1000', at(small), bare),
      ...rowsOf('watch-10000', at(large), bare),
      growthOf(all),
    ]
  } finally {
    await service.close()
  }
}

async function watched(lineages: number, workplace: Workplace, env: Environment): Promise<Watched> {
  const { words } = await sharedEstate(workplace, lineages)
  const ready: number[] = []
  let daemon: Daemon | undefined
  for (let i = 0; i < workplace.sizes.starts; i++) {
    await daemon?.end()
    daemon = await startDaemon([...BUILT, 'watch', ...words], ' watching: ', env)
    ready.push(daemon.readyAfter)
  }
  if (!daemon) throw new RangeError('no start, no daemon')
  try {
    await quiet(daemon)
    await setTimeout(TIDYING)
    const { watched: judged, idle } = workplace.sizes
    return { lineages, ready, ...(await atRest(daemon, judged.includes(lineages) ? idle : GLANCE)) }
  } finally {
    await daemon.end()
  }
}

async function atRest(daemon: Daemon, during: number) {
  const before = daemon.processor()
  await setTimeout(during)
  const idle = (daemon.processor() - before) / during
  return { idle, memory: daemon.memory(), watches: daemon.watches() }
}

async function bareMemory(): Promise<number> {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const daemon = await startDaemon([...PACKAGES, ...NEEDED.filter(name => name in dependencies)], 'loaded')
  try {
    await quiet(daemon)
    await setTimeout(TIDYING)
    return daemon.memory()
  } finally {
    await daemon.end()
  }
}

const rowsOf = (id: string, { ready, idle, memory, watches }: Watched, bare: number): readonly Figure[] => [
  {
    id: `${id}-ready`,
    value: median(ready) / 1_000,
    says: `${ready.length} starts: ${ready.map(ms => (ms / 1_000).toFixed(2)).join(', ')} s; ${watches} watches`,
  },
  { id: `${id}-idle`, value: idle * 100, says: 'to a clock tick of 10 ms' },
  {
    id: `${id}-memory`,
    value: memory / bare,
    says: `${memory.toFixed(0)} against ${bare.toFixed(0)} MiB`,
  },
]

/** Of what is added to a daemon that watches one lineage; below a thousand that is less than the garbage of a start. */
function growthOf(all: readonly Watched[]): Figure {
  const [first, ...others] = all
  const points = others.map(({ lineages, memory }) => [lineages, memory - (first?.memory ?? 0)] as const)
  return {
    id: 'watch-growth',
    value: exponent(points),
    says: `${slopeOf(all)}; ${all.map(({ lineages, memory }) => `${lineages}: ${memory.toFixed(0)} MiB`).join(', ')}`,
  }
}

const slopeOf = (all: readonly Watched[]) =>
  `${(line(all.map(({ lineages, memory }) => [lineages, memory])).slope * 1_000).toFixed(1)} MiB for a thousand lineages`

const plotOf = (all: readonly Watched[]) =>
  plotted({
    title: 'Resident memory of a daemon at rest, by lineages watched',
    x: { name: 'lineages', scale: 'linear' },
    y: { name: 'MiB', scale: 'linear' },
    points: all.map(({ lineages, memory }) => [lineages, memory] as const),
    slope: slopeOf(all),
  })
