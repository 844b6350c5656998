/** The program's output finds no reader and no room: the work is done all the same. */
import { test } from 'vitest'
import { inParallel, LONG } from '../run.ts'
import { type Command, type Fixture, openMachine, openResults } from './fixture.ts'
import { start } from './process.ts'

const redirected = (redirection: string) => (command: Command, fixture: Fixture) =>
  fixture.run(command, ['/bin/sh', '-c', `"$@" ${redirection}`, 'sh'])

const OUTPUTS = [
  {
    name: 'a reader that goes away at once',
    exit: 0,
    run: (command: Command, fixture: Fixture) => {
      const { child, ended } = start(fixture.words(command), fixture.env)
      child.stdout?.destroy()
      child.stderr?.destroy()
      return ended
    },
  },
  { name: 'a disk that is full', exit: 74, run: redirected('>/dev/full 2>&1') },
  { name: 'streams that are closed', exit: 0, run: redirected('>&- 2>&-') },
] as const

test('without a reader every certificate is uploaded; only a full disk shows in the exit code', async () => {
  const { open } = await openMachine()
  const trials = OUTPUTS.flatMap(output =>
    (['sync', 'hook'] as const).map(command => ({ ...output, command })),
  )
  const results = openResults('Output that no reader takes', 'reader gone, `/dev/full`, streams closed')
  await inParallel(LONG ? trials : trials.slice(0, 3), async ({ name, exit, run, command }) => {
    const fixture = await open()
    const ended = await run(command, fixture)
    if (ended.code !== exit)
      results.fail(`${command}, ${name}: exit ${ended.code ?? ended.signal}, not ${exit}`)
    const missing = await fixture.missing(command)
    if (missing.length) results.fail(`${command}, ${name}: left out ${missing.join(', ')}`)
    await results.repair(`${command}, ${name}`, fixture, command, ended)
  })
  results.report()
})
