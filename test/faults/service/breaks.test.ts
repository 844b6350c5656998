/** Connections that break, before the service has carried the request out or after: each certificate is stored once all the same. */
import { beforeAll, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { SEED, times } from '../run.ts'
import { BREAKS } from './connectionBreaks.ts'
import { chosen, endure } from './endurance.ts'
import { type Forest, plant } from './lineageFixtures.ts'

const dice = seededDice(SEED)
let forest: Forest

beforeAll(async () => {
  forest = await plant(times(2, 12))
})

test.each(chosen(BREAKS, dice))('$fault', fault => endure(fault, { times: times(1, 3), dice, forest }))
