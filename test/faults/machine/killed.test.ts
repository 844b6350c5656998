/** kill -9: at each call that changes the state directory, and at random moments of a sync, a hook and a daemon. */
import { watch } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isRoot } from '../../fixtures/asNobody.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { inParallel, LONG, range, SEED, sample, times } from '../run.ts'
import {
  allUploaded,
  type Command,
  type Fixture,
  type FixtureOptions,
  openMachine,
  openResults,
  startDaemon,
} from './fixture.ts'
import { type Started, start } from './process.ts'
import { type Call, callsOf, hasStrace, runWithInjection } from './strace.ts'

type Scenario = Pick<FixtureOptions, 'earlier' | 'owner'> & { readonly command: Command }

const NOBODY = 65_534

const SCENARIOS: readonly Scenario[] = [
  ...(['sync', 'hook'] as const).flatMap(command =>
    (['none', 'renewed', 'damaged'] as const).map(earlier => ({ command, earlier })),
  ),
  // root gives its files to the user who owns the directory
  ...(isRoot
    ? ([
        { command: 'hook', earlier: 'renewed', owner: NOBODY },
        { command: 'sync', earlier: 'renewed', owner: NOBODY },
        { command: 'sync', earlier: 'each', owner: NOBODY },
      ] as const)
    : []),
]

// a process killed between two changes leaves the same files as one killed at the second; strace is not on every machine
test.skipIf(!hasStrace)('a sync or hook killed before any change of its state loses nothing', async () => {
  const { open } = await openMachine()
  const injections: Array<Scenario & { readonly call: Call }> = []
  for (const scenario of LONG ? SCENARIOS : [{ command: 'sync', earlier: 'each' } as const]) {
    const fixture = await open(scenario)
    const calls = await callsOf(fixture, scenario.command, [fixture.stateDir])
    injections.push(...calls.filter(({ isChange }) => isChange).map(call => ({ ...scenario, call })))
    await fixture.close()
  }
  const results = openResults(
    '`kill -9` at every change of the state directory',
    'strace, SIGKILL for the call',
  )
  const some = LONG ? injections : sample(injections, 4, seededRandom(SEED))
  await inParallel(some, async ({ call, command, ...options }) => {
    const fixture = await open(options)
    const ended = await runWithInjection(fixture, command, call, 'signal=KILL')
    const what = `${command}, ${options.earlier} killed at ${call.name} ${call.path} (${call.nth})`
    if (ended) await results.repair(what, fixture, command, ended)
    else await fixture.close()
  })
  results.report()
})

/** Changes in the state directory that one sync of three lineages makes, about. */
const CHANGES = 40

/** Kills at that many changes in the state directory: some microseconds later, whatever the process does by then. */
async function killAfter({ stateDir }: Fixture, { child, ended }: Started, changes: number) {
  let seen = 0
  const watcher = watch(stateDir, () => {
    seen += 1
    if (seen >= changes) child.kill('SIGKILL')
  })
  return ended.finally(() => watcher.close())
}

test('a sync or hook killed while it writes loses nothing', async () => {
  const { open } = await openMachine()
  const random = seededRandom(SEED)
  const moments = range(1, times(2, 60)).map(() => ({
    command: random() < 0.7 ? ('sync' as const) : ('hook' as const),
    changes: 1 + Math.floor(random() * CHANGES),
  }))
  const results = openResults(
    '`kill -9` of `sync` and `hook` while they write',
    'SIGKILL at a change of the directory',
  )
  await inParallel(moments, async ({ command, changes }) => {
    const fixture = await open()
    const ended = await killAfter(fixture, start(fixture.words(command), fixture.env), changes)
    await results.repair(`${command} killed at change ${changes}`, fixture, command, ended)
  })
  results.report()
})

test('a daemon killed again and again in the middle of renewals uploads them all in the end', async () => {
  const { lineages, open } = await openMachine()
  const random = seededRandom(SEED)
  const fixture = await open({ earlier: 'none', renewing: true })
  const results = openResults('`kill -9` of `watch` in the middle of renewals', 'SIGKILL at a random moment')
  for (const round of range(1, times(1, 40))) {
    const daemon = await startDaemon(fixture)
    const moment = setTimeout(random() * 400).then(() => daemon.child.kill('SIGKILL'))
    const killed = killAfter(fixture, daemon, 1 + Math.floor(random() * CHANGES))
    await lineages.renew(Math.floor(random() * 3))
    const ended = await killed
    await moment
    if (ended.code === 0) results.fail(`round ${round}: a killed daemon ended with 0`)
    const repaired = await fixture.sync()
    if (repaired.code !== 0)
      results.fail(`round ${round}: the repair ended with ${repaired.code}: ${repaired.stdout}`)
    results.add(`round ${round}`, await fixture.damage([ended, repaired]))
  }
  const last = await startDaemon(fixture)
  await lineages.renew(0)
  await allUploaded(fixture)
  expect((await last.stop()).code).toBe(0)
  results.report()
  await fixture.close()
})
