/** What the program says finds no reader and no room: the work is done all the same. */
import { join } from 'node:path'
import { test } from 'vitest'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG } from '../run.ts'
import { ended, start } from './child.ts'
import { inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { type Command, type Ground, openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

const through = (redirection: string) => (command: Command, ground: Ground) =>
  ended(['/bin/sh', '-c', `"$@" ${redirection}`, 'sh', ...ground.words(command)], ground.env)

const WAYS = [
  {
    name: 'a reader that goes away at once',
    exit: 0,
    run: (command: Command, ground: Ground) => {
      const { child, ended } = start(ground.words(command), ground.env)
      child.stdout?.destroy()
      child.stderr?.destroy()
      return ended
    },
  },
  { name: 'a disk that is full', exit: 74, run: through('>/dev/full 2>&1') },
  { name: 'streams that are closed', exit: 0, run: through('>&- 2>&-') },
] as const

test('nobody hears, and every certificate is carried; only a full disk shows in the exit code', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const trials = WAYS.flatMap(way => (['sync', 'hook'] as const).map(command => ({ ...way, command })))
  const ledger = openLedger('Output that no reader takes', 'reader gone, `/dev/full`, streams closed')
  await inLanes(LONG ? trials : trials.slice(0, 3), async ({ name, exit, run, command }) => {
    const ground = await openGround({ folder: join(root, `${command} ${name}`), trees })
    const made = await run(command, ground)
    if (made.code !== exit)
      ledger.complain(`${command}, ${name}: exit ${made.code ?? made.signal}, not ${exit}`)
    const undone = await ground.undone(command)
    if (undone.length) ledger.complain(`${command}, ${name}: left out ${undone.join(', ')}`)
    await ledger.enter({ what: `${command}, ${name}`, ground, command, made })
  })
  ledger.close()
})
