/** Many certificates of one host are renewed in one night: all are put in place and verified, with few requests and no crowd. */
import { stdout } from 'node:process'
import { expect, test } from 'vitest'
import { simulateNight } from '../../deploy/night.ts'
import { LONG, SEED, times } from '../run.ts'

const RENEWALS = times(200, 1_000)

/** Fewer renewals share fewer searches, and the end of the last ones is more of the whole. */
const [MEDIAN, SLOWER] = LONG ? [12, 1.1] : [14, 1.2]

/** Side by side. */
const JOBS = 4

test(`${RENEWALS} renewals are verified with at most ${MEDIAN} requests each in the median`, async () => {
  const { outcomes, requests, perRenewal, resources, taken, jobTime } = await simulateNight({
    lineages: RENEWALS,
    seed: SEED,
  })
  const ratio = taken / (jobTime / JOBS)
  const median = perRenewal[RENEWALS >> 1] ?? 0
  const throttled = requests.filter(({ isThrottled }) => isThrottled).length
  stdout.write(
    `  ${RENEWALS} renewals: ${(taken / 3600).toFixed(1)} h, ${ratio.toFixed(3)} × of the jobs alone, ${requests.length} requests, ${median.toFixed(1)} for each in the median, ${perRenewal.at(-1)?.toFixed(1)} at most, ${throttled} throttled  seed ${SEED}\n`,
  )
  expect(outcomes.filter(({ replacement }) => replacement?.replacement?.state !== 'verified')).toEqual([])
  expect(resources.filter(({ isRenewed }) => !isRenewed)).toEqual([])
  expect(median).toBeLessThanOrEqual(MEDIAN)
  // a request that comes a little too early now and then is answered a moment later
  expect(throttled).toBeLessThanOrEqual(3)
  expect(ratio).toBeLessThan(SLOWER)
})
