/** Whatever answers in the service's place, or answers badly: each certificate is stored once, and the log says what it met. */
import { beforeAll, expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { answering } from '../../http/httpServers.ts'
import { SEED, times } from '../run.ts'
import { ANSWERS } from './answers.ts'
import { chosen, endure } from './endurance.ts'
import { type Forest, plant } from './lineageFixtures.ts'
import { redirectsTo } from './redirects.ts'
import { THROTTLES } from './throttles.ts'

const dice = seededDice(SEED)
const enduring = { times: times(1, 2), dice }
let forest: Forest

beforeAll(async () => {
  forest = await plant(times(2, 12))
})

test.each(chosen([...THROTTLES, ...ANSWERS], dice))('$fault', fault => endure(fault, { ...enduring, forest }))

test('a redirect is never followed', async () => {
  const elsewhere = await answering(() => ({}))
  for (const fault of chosen(redirectsTo(elsewhere.url), dice)) await endure(fault, { ...enduring, forest })
  expect(elsewhere.asked).toEqual([])
})
