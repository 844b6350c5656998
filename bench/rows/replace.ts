/** Replacements in virtual time, with the service's ordinary times: until one edge is verified, and a night of many. */
import { simulateNight } from '../../test/deploy/night.ts'
import { median } from '../pairs.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

/** Seconds between the two rounds of handshakes. */
const BETWEEN_ROUNDS = 30

const SEEDS = 20

/** Side by side. */
const JOBS = 4

/** A scan of 8 s and a job of 15 to 120 s, as the emulator draws them. */
const JOB_SECONDS = 8 + (15 + 120) / 2

export async function replace({ sizes, say }: Workplace): Promise<readonly Figure[]> {
  const beyond: number[] = []
  for (let seed = 0; seed < SEEDS; seed++) {
    const { taken, ownTime } = await simulateNight({ lineages: 1, seed })
    beyond.push(taken - ownTime - BETWEEN_ROUNDS)
  }
  say(`  ${sizes.night} renewals`)
  const { taken, perRenewal, outcomes } = await simulateNight({ lineages: sizes.night, seed: 1 })
  if (outcomes.some(({ replacement }) => replacement?.replacement?.state !== 'verified'))
    throw new Error('not every renewal is verified')
  const own = (sizes.night / JOBS) * JOB_SECONDS
  return [
    { id: 'replace-edge', value: Math.max(...beyond), says: `the longest of ${SEEDS}` },
    { id: 'replace-night', value: taken / own, says: `${taken.toFixed(0)} s, the jobs ${own.toFixed(0)} s` },
    {
      id: 'replace-requests',
      value: median(perRenewal),
      says: `at most ${Math.max(...perRenewal).toFixed(1)}`,
    },
  ]
}
