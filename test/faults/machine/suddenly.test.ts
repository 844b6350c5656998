/** kill -9 at any moment, from outside and with no tool but the signal: a pass, a hook, a daemon. */
import { watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { SEED, times } from '../run.ts'
import { type Started, start } from './child.ts'
import { allCarried, startDaemon } from './daemon.ts'
import { inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { type Ground, openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

/** Changes in the state directory that one pass over three lineages makes, about. */
const CHANGES = 40

/** Kills when so many changes have been seen in the state directory: some microseconds later, whatever it is doing by then. */
async function killed({ stateDir }: Ground, { child, ended }: Started, changes: number) {
  let seen = 0
  const watcher = watch(stateDir, () => {
    seen += 1
    if (seen >= changes) child.kill('SIGKILL')
  })
  return ended.finally(() => watcher.close())
}

test('killed while it writes, a pass or a hook has lost nothing', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const dice = seededDice(SEED)
  const moments = Array.from({ length: times(2, 60) }, (_, i) => ({
    folder: join(root, `${i}`),
    command: dice() < 0.7 ? ('sync' as const) : ('hook' as const),
    changes: 1 + Math.floor(dice() * CHANGES),
  }))
  const ledger = openLedger(
    '`kill -9` of `sync` and `hook` while they write',
    'SIGKILL at a change of the directory',
  )
  await inLanes(moments, async ({ folder, command, changes }) => {
    const ground = await openGround({ folder, trees })
    const made = await killed(ground, start(ground.words(command), ground.env), changes)
    await ledger.enter({ what: `${command} killed at change ${changes}`, ground, command, made })
  })
  ledger.close()
})

test('a daemon killed again and again in the middle of renewals carries them all in the end', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const dice = seededDice(SEED)
  const ground = await openGround({ folder: join(root, 'ground'), trees, past: 'none', renewing: true })
  const ledger = openLedger('`kill -9` of `watch` in the middle of renewals', 'SIGKILL at a random moment')
  for (let round = 0; round < times(1, 40); round++) {
    const daemon = await startDaemon(ground)
    const moment = setTimeout(dice() * 400).then(() => daemon.child.kill('SIGKILL'))
    const dying = killed(ground, daemon, 1 + Math.floor(dice() * CHANGES))
    await trees.renew(Math.floor(dice() * 3))
    const made = await dying
    await moment
    if (made.code === 0) ledger.complain(`round ${round}: a killed daemon ended with 0`)
    const healed = await ground.pass()
    if (healed.code !== 0)
      ledger.complain(`round ${round}: a pass ended with ${healed.code}: ${healed.stdout}`)
    ledger.book(`round ${round}`, await ground.account([made, healed]))
  }
  const last = await startDaemon(ground)
  await trees.renew(0)
  await allCarried(ground)
  expect((await last.end()).code).toBe(0)
  ledger.close()
  await ground.close()
})
