/** Many certificates of one host are renewed in one night: all are put in place and verified, with few requests and no crowd. */
import { stdout } from 'node:process'
import { expect, test } from 'vitest'
import { simulateNight } from '../../deploy/night.ts'
import { LONG, SEED, times } from '../run.ts'

const RENEWALS = times(200, 1_000)

/** Fewer renewals share fewer searches. */
const MEDIAN = LONG ? 15 : 17

/** Side by side. */
const JOBS = 4

/** A scan and a job, with what polling them loses, in seconds. */
const JOB_SECONDS = 100

test(`${RENEWALS} renewals are verified with at most ${MEDIAN} requests each in the median`, async () => {
  const { outcomes, requests, perRenewal, resources, taken } = await simulateNight({
    lineages: RENEWALS,
    seed: SEED,
  })
  const median = perRenewal[RENEWALS >> 1] ?? 0
  const throttled = requests.filter(({ isThrottled }) => isThrottled).length
  stdout.write(
    `  ${RENEWALS} renewals: ${(taken / 3600).toFixed(1)} h, ${requests.length} requests, ${median.toFixed(1)} for each in the median, ${perRenewal.at(-1)?.toFixed(1)} at most, ${throttled} throttled  seed ${SEED}\n`,
  )
  expect(outcomes.filter(({ replacement }) => replacement?.replacement?.state !== 'verified')).toEqual([])
  expect(resources.filter(({ isRenewed }) => !isRenewed)).toEqual([])
  expect(median).toBeLessThanOrEqual(MEDIAN)
  // a request that comes a little too early now and then is answered a moment later
  expect(throttled).toBeLessThanOrEqual(3)
  expect(taken).toBeLessThan((RENEWALS / JOBS) * JOB_SECONDS + 600)
})
