/** kill -9 in the middle of a replacement: the next run reaches the same end, by one job, and deletes nothing that is used. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { inParallel, LONG, range, reportRow, SEED, sample } from '../run.ts'
import { type Ended, run, start } from './process.ts'
import { openReplacementHost, type ReplacementHost, type ReplacementOptions } from './replacement.ts'
import { callsOf, hasStrace, runWithInjection, socketCallsOf } from './strace.ts'

type Variant = Pick<ReplacementOptions, 'traps' | 'verify'>

const VARIANTS: readonly Variant[] = [
  {},
  { verify: false },
  // the service does not name the record of a job that is under way
  { traps: { duringJob: 'pending', surveyEmpty: 'first', pendingCount: true } },
]

/** Most of a run is waiting. */
const LANES = 6

/** The whole form takes its time. */
const TIMEOUT = LONG ? 3_600_000 : 120_000

/** A run continues what another has left; one that meets its own job as another's says so, and ends with 75. */
const MOST_RUNS = 3

async function repaired(host: ReplacementHost): Promise<readonly Ended[]> {
  const runs: Ended[] = []
  while (runs.at(-1)?.code !== 0 && runs.length < MOST_RUNS)
    runs.push(await run(host.words('sync', '--json'), host.env))
  return runs
}

function openResults(fault: string, how: string) {
  const broken: string[] = []
  let [runs, leaked] = [0, 0]
  return {
    /** Repairs what a fault has left, and closes the host. */
    repair: async (what: string, host: ReplacementHost, ended: Ended) => {
      const later = await repaired(host)
      const flaws = await host.flaws([ended, ...later])
      runs += 1
      leaked += flaws.filter(flaw => flaw.startsWith('leaked')).length
      const exits = later.map(({ code }) => code)
      if (flaws.length || exits.at(-1) !== 0)
        broken.push(`${what}: exits ${exits}; ${flaws.join('; ')}\n${later.at(-1)?.stdout}`)
      await host.close()
    },
    report: () => {
      expect(broken).toEqual([])
      reportRow({ fault, how, runs, lost: broken.length, duplicated: 0, leaked })
    },
  }
}

const hosts = async () => {
  const root = await temporaryDirectory()
  let count = 0
  return (options: Omit<ReplacementOptions, 'folder'>) =>
    openReplacementHost({ ...options, folder: join(root, `${count++}`) })
}

/** How many requests a run without a fault sends. */
async function requestsOf(host: ReplacementHost): Promise<number> {
  const ended = await run(host.words('sync', '--json'), host.env)
  expect([ended.code, ...(await host.flaws([ended]))], ended.stdout).toEqual([0])
  await host.close()
  return host.emulator.entries.length
}

test('a replacement killed at any request is completed by the next run', { timeout: TIMEOUT }, async () => {
  const open = await hosts()
  const moments: { readonly variant: Variant; readonly at: number; readonly isCarriedOut: boolean }[] = []
  for (const variant of LONG ? VARIANTS : [VARIANTS[0] as Variant])
    for (const at of range(1, await requestsOf(await open(variant))))
      moments.push({ variant, at, isCarriedOut: true }, { variant, at, isCarriedOut: false })
  const results = openResults(
    '`kill -9` of a replacement at a request',
    'SIGKILL before it is carried out, or before its answer',
  )
  const some = LONG ? moments : sample(moments, 4, seededRandom(SEED))
  await inParallel(
    some,
    async ({ variant, at, isCarriedOut }) => {
      let kill = () => {}
      const host = await open({
        ...variant,
        faults: ({ n }) => {
          if (n !== at || isCarriedOut) return undefined
          kill()
          return 'reset-before'
        },
        onRequest: ({ n }) => {
          if (n === at) kill()
        },
      })
      const { child, ended } = start(host.words('sync', '--json'), host.env)
      kill = () => void child.kill('SIGKILL')
      const what = `killed ${isCarriedOut ? 'after' : 'before'} request ${at} of ${JSON.stringify(variant)}`
      const end = await ended
      await results.repair(`${what}, ${host.emulator.entries[at - 1]?.action}`, host, end)
    },
    LANES,
  )
  results.report()
})

test.skipIf(!hasStrace)(
  'a replacement killed at any system call for its state or the network is completed by the next run',
  { timeout: TIMEOUT },
  async () => {
    const open = await hosts()
    const [first, second] = [await open({}), await open({})]
    const changes = (await callsOf(first, 'sync', [first.stateDir])).filter(({ isChange }) => isChange)
    const calls = [...changes, ...(await socketCallsOf(second, 'sync'))]
    await Promise.all([first.close(), second.close()])
    const results = openResults(
      '`kill -9` of a replacement at every change of its state and every call of a socket',
      'strace, SIGKILL for the call',
    )
    const some = LONG ? calls : sample(calls, 4, seededRandom(SEED))
    await inParallel(
      some,
      async call => {
        const host = await open({})
        const ended = await runWithInjection(host, 'sync', call, 'signal=KILL')
        const what = `killed at ${call.name} ${call.path} (${call.nth})`
        if (ended) await results.repair(what, host, ended)
        else await host.close()
      },
      LANES,
    )
    results.report()
  },
)
