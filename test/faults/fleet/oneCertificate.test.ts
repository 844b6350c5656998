/** Many processes of the built program replace the same certificate at once: one record, whoever made it. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { receiptsIn } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { run } from '../machine/process.ts'
import { openReplacementHost } from '../machine/replacement.ts'
import { range, reportRow, times } from '../run.ts'

const PROCESSES = times(6, 50)

/** So many need their time, before a signature expires. */
const SPEED = times(100, 10)

/** Some meet the job of the first when it has ended, and some run while the machine has no time for them. */
const MOST_RUNS = 3

test(`${PROCESSES} processes with a state directory each make one record for one certificate`, async () => {
  const folder = await temporaryDirectory()
  const host = await openReplacementHost({ folder: join(folder, 'host'), speed: SPEED })
  onTestFinished(host.close)
  const states = range(1, PROCESSES).map(n => join(folder, `state${n}`))
  for (const state of states) await cp(host.stateDir, state, { recursive: true })
  const ended = await Promise.all(
    [host.stateDir, ...states].map(async state => {
      const runs = []
      const env = { ...host.env, CERTFERRY_STATE_DIR: state }
      while (runs.at(-1)?.code !== 0 && runs.length < MOST_RUNS)
        runs.push(await run(host.words('sync', '--json'), env))
      return runs
    }),
  )
  expect(ended.filter(runs => runs.at(-1)?.code !== 0).map(runs => runs.at(-1)?.stdout)).toEqual([])
  expect(await host.flaws(ended.flat())).toEqual([])
  const known = await Promise.all(states.map(receiptsIn))
  const notVerified = known.filter(([receipt]) => receipt?.replacement?.state !== 'verified').length
  reportRow({
    fault: 'processes with one certificate, each with a state of its own',
    how: 'the built program, started at once, its minutes pass in seconds',
    ...{ runs: PROCESSES + 1, lost: notVerified },
    ...{ duplicated: host.emulator.jobs().length - 1, leaked: 0 },
  })
})
