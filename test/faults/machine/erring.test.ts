/** Each call that touches the state directory or the sources fails: once, or from then on. By strace. */
import { join } from 'node:path'
import { test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED } from '../run.ts'
import type { Past } from './earlierState.ts'
import { drawn, inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { type Command, openGround } from './stateDirFixture.ts'
import { type Call, callsOf, hasStrace, struck } from './strace.ts'
import { plantTrees } from './trees.ts'

const ERRORS = ['EIO', 'ENOSPC', 'EACCES', 'EINTR'] as const

interface Stroke {
  readonly command: Command
  readonly past: Past
  readonly call: Call
  readonly error: (typeof ERRORS)[number]
  readonly lasting: boolean
}

// strace is not on every machine; in the long run it is
test.skipIf(!hasStrace)(
  'whatever a call on state or sources answers, nothing is lost, and 0 means done',
  async () => {
    const root = await temporaryDirectory()
    const trees = await plantTrees(join(root, 'trees'))
    const dice = seededDice(SEED)
    let count = 0
    const open = (past: Past) => openGround({ folder: join(root, `${count++}`), trees, past })
    const callsUnder = async (command: Command, past: Past) => {
      const ground = await open(past)
      const calls = await callsOf(ground, command, [ground.stateDir, trees.folder])
      await ground.close()
      return calls.map(call => ({ command, past, call }))
    }

    /** Of a pass each call fails in one way, of a hook in all. A call that is interrupted for ever is no fault but the end. */
    const anyhow = (await callsUnder('sync', 'each')).map(one => {
      const error = ERRORS[Math.floor(dice() * ERRORS.length)] ?? 'EIO'
      return { ...one, error, lasting: error !== 'EINTR' && dice() < 0.5 }
    })
    const everyhow = LONG
      ? (await callsUnder('hook', 'damaged')).flatMap(one =>
          ERRORS.map(error => ({ ...one, error, lasting: false })),
        )
      : []
    const strokes: readonly Stroke[] = LONG ? [...anyhow, ...everyhow] : drawn(anyhow, 4, dice)

    const ledger = openLedger(
      'EIO, ENOSPC, EACCES, EINTR from every call on state and sources',
      'strace, an error for the call, or from it on',
    )
    await inLanes(strokes, async ({ command, past, call, error, lasting }) => {
      const ground = await open(past)
      const made = await struck(ground, command, call, `error=${error}`, lasting)
      const what = `${command}, ${past}, ${error}${lasting ? ' from' : ' at'} ${call.name} ${call.path} (${call.nth})`
      if (made?.code === 70) ledger.complain(`${what}: is no bug: ${made.stdout}${made.stderr}`)
      if (made) await ledger.enter({ what, ground, command, made })
      else await ground.close()
    })
    ledger.close()
  },
)
