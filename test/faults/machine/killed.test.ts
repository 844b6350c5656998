/**
 * kill -9 at each call that changes the state directory, found by strace and made by it. A process that is killed at a call
 * between two changes leaves the same files as one that is killed at the second.
 */
import { join } from 'node:path'
import { test } from 'vitest'
import { isRoot } from '../../fixtures/asNobody.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED } from '../run.ts'
import { drawn, inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { type Command, openGround, type Wishes } from './stateDirFixture.ts'
import { type Call, callsOf, hasStrace, struck } from './strace.ts'
import { plantTrees } from './trees.ts'

type Scenario = Pick<Wishes, 'past' | 'owner'> & { readonly command: Command }

const NOBODY = 65_534

const SCENARIOS: readonly Scenario[] = [
  { command: 'sync', past: 'none' },
  { command: 'sync', past: 'renewed' },
  { command: 'sync', past: 'damaged' },
  { command: 'hook', past: 'none' },
  { command: 'hook', past: 'renewed' },
  { command: 'hook', past: 'damaged' },
  // what root writes for a service's user is given to that user
  ...(isRoot
    ? ([
        { command: 'hook', past: 'renewed', owner: NOBODY },
        { command: 'sync', past: 'renewed', owner: NOBODY },
        { command: 'sync', past: 'each', owner: NOBODY },
      ] as const)
    : []),
]

const SHORT: readonly Scenario[] = [{ command: 'sync', past: 'each' }]

// strace is not on every machine; in the long run it is
test.skipIf(!hasStrace)('killed before any change of its state, a pass has lost nothing', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  let count = 0
  const open = (wishes: Omit<Wishes, 'folder' | 'trees'>) =>
    openGround({ folder: join(root, `${count++}`), trees, ...wishes })

  const strokes: Array<Scenario & { readonly call: Call }> = []
  for (const scenario of LONG ? SCENARIOS : SHORT) {
    const ground = await open(scenario)
    const calls = await callsOf(ground, scenario.command, [ground.stateDir])
    strokes.push(...calls.filter(({ isChange }) => isChange).map(call => ({ ...scenario, call })))
    await ground.close()
  }
  const ledger = openLedger(
    '`kill -9` at every change of the state directory',
    'strace, SIGKILL for the call',
  )
  const dice = seededDice(SEED)
  await inLanes(LONG ? strokes : drawn(strokes, 4, dice), async ({ call, command, ...wishes }) => {
    const ground = await open(wishes)
    const made = await struck(ground, command, call, 'signal=KILL')
    const what = `${command}, ${wishes.past}, killed at ${call.name} ${call.path} (${call.nth})`
    if (made) await ledger.enter({ what, ground, command, made })
    else await ground.close()
  })
  ledger.close()
})
