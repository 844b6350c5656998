/** The first upload of many certificates under the service's limit: how much of it is used, and whether it is kept. */
import { seededRandom } from '../../test/fixtures/random.ts'
import { openService, type Service } from '../localService.ts'
import { used } from '../process.ts'
import { BUILT } from '../programs.ts'
import { writeTree } from '../trees.ts'
import { aged, sourcesOf } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'
import { sustained, throttled } from './arithmetic.ts'

const RATE = 200
const ROUND_TRIPS = [0, 50, 300] as const
const PROCESSES = 8

export async function limit(workplace: Workplace): Promise<readonly Figure[]> {
  const { sizes, pool, place, say } = workplace
  const count = sizes.certificates
  const pairs = await pool.fresh(count)
  const root = writeTree(place('letsencrypt'), count, pairs)
  const each = Math.ceil(count / PROCESSES)
  const roots = Array.from({ length: PROCESSES }, (_, i) => {
    const own = pairs.slice(i * each, (i + 1) * each)
    return writeTree(place('letsencrypt'), own.length, own, i * each)
  })
  await aged()
  const alone: Passed[] = []
  for (const roundTrip of ROUND_TRIPS) {
    say(`  ${count} uploads, round trip ${roundTrip} ms`)
    alone.push(await passed({ roots: [root], count, roundTrip }, place))
  }
  say(`  ${count} uploads by ${PROCESSES} processes`)
  const shared = await passed({ roots, count, roundTrip: 0 }, place)
  const refused = alone.reduce((sum, one) => sum + one.throttled, 0)
  return [
    arithmetic(),
    ...ROUND_TRIPS.map((roundTrip, i) => share(`limit-200-${roundTrip}`, alone[i], count)),
    { id: 'limit-throttled', value: refused, says: `of ${alone.length * count} requests` },
    {
      id: 'limit-shared',
      value: (shared.seconds * RATE) / (count - 2),
      says: `${shared.seconds.toFixed(1)} s, the limit itself ${((count - 2) / RATE).toFixed(1)} s; each was told the whole limit`,
    },
    {
      id: 'limit-shared-throttled',
      value: shared.throttled / count,
      says: `${shared.throttled} of ${count + shared.throttled} requests`,
    },
    early(),
  ]
}

interface Crowd {
  readonly roots: readonly string[]
  readonly count: number
  readonly roundTrip: number
}

interface Passed {
  /** From the second arrival to the last: the first request goes alone, whatever the round trip. */
  readonly seconds: number
  readonly throttled: number
}

/** One process for each root, with a state directory of its own. */
async function passed({ roots, count, roundTrip }: Crowd, place: Workplace['place']): Promise<Passed> {
  const service = await openService({ rate: RATE, roundTrip })
  try {
    await Promise.all(roots.map(root => upload(root, place('state'), service)))
    const { entries } = service.emulator
    const stored = entries.filter(({ code }) => code === 'OK')
    if (stored.length !== count) throw new Error(`${stored.length} of ${count} were uploaded`)
    const times = stored.map(({ at }) => at)
    return {
      seconds: (Math.max(...times) - (times.sort((a, b) => a - b)[1] ?? Number.NaN)) / 1_000,
      throttled: entries.length - stored.length,
    }
  } finally {
    await service.close()
  }
}

const upload = (root: string, state: string, { environment }: Service) =>
  used([...BUILT, 'sync', '--rate', String(RATE), ...sourcesOf([root]), '--state-dir', state], {
    env: environment,
  })

function share(id: string, passed: Passed | undefined, count: number): Figure {
  const own = (count - 2) / RATE
  const { seconds } = passed ?? { seconds: Number.NaN }
  return {
    id,
    value: (own / seconds) * 100,
    says: `${seconds.toFixed(2)} s, the limit itself ${own.toFixed(2)} s`,
  }
}

/** Seeds for each rate: one early request in many runs would not show in one. */
const SEEDS = 20

function early(): Figure {
  const counts = [10, 20].flatMap(rate =>
    Array.from({ length: SEEDS }, (_, seed) => {
      const random = seededRandom(seed)
      return throttled({ rate, requests: 1_000, roundTrip: () => 20 + 100 * random() })
    }),
  )
  const value = counts.reduce((sum, one) => sum + one, 0)
  return { id: 'limit-alone', value, says: `of ${counts.length * 1_000}` }
}

function arithmetic(): Figure {
  const shares = ROUND_TRIPS.map(
    roundTrip => sustained({ rate: 10, requests: 1_000, roundTrip: () => roundTrip }) * 100,
  )
  const each = ROUND_TRIPS.map((roundTrip, i) => `${roundTrip} ms: ${shares[i]?.toFixed(1)} %`)
  return { id: 'limit-10', value: Math.min(...shares), says: each.join(', ') }
}
