/** Each call that touches the state directory or the sources fails, once or from then on; by strace. */
import { test } from 'vitest'
import { seededRandom } from '../../fixtures/random.ts'
import { inParallel, LONG, SEED, sample } from '../run.ts'
import { type Command, type Earlier, openMachine, openResults } from './fixture.ts'
import { callsOf, hasStrace, runWithInjection } from './strace.ts'

const ERRORS = ['EIO', 'ENOSPC', 'EACCES', 'EINTR'] as const

// strace is not on every machine
test.skipIf(!hasStrace)(
  'whatever a call on state or sources returns, nothing is lost, and exit 0 means done',
  async () => {
    const { lineages, open } = await openMachine()
    const random = seededRandom(SEED)
    const callsUnder = async (command: Command, earlier: Earlier) => {
      const fixture = await open({ earlier })
      const calls = await callsOf(fixture, command, [fixture.stateDir, lineages.folder])
      await fixture.close()
      return calls.map(call => ({ command, earlier, call }))
    }
    // a call of sync fails in one way, of a hook in all; one that is interrupted for ever is no fault but the end
    const ofSync = (await callsUnder('sync', 'each')).map(one => {
      const error = ERRORS[Math.floor(random() * ERRORS.length)] ?? 'EIO'
      return { ...one, error, lasting: error !== 'EINTR' && random() < 0.5 }
    })
    const ofHook = (LONG ? await callsUnder('hook', 'damaged') : []).flatMap(one =>
      ERRORS.map(error => ({ ...one, error, lasting: false })),
    )
    const results = openResults(
      'EIO, ENOSPC, EACCES, EINTR from every call on state and sources',
      'strace, an error for the call, or from it on',
    )
    const injections = LONG ? [...ofSync, ...ofHook] : sample(ofSync, 4, random)
    await inParallel(injections, async ({ command, earlier, call, error, lasting }) => {
      const fixture = await open({ earlier })
      const ended = await runWithInjection(fixture, command, call, `error=${error}`, lasting)
      const what = `${command}, ${earlier}, ${error}${lasting ? ' from' : ' at'} ${call.name} ${call.path} (${call.nth})`
      if (ended?.code === 70) results.fail(`${what}: reported as a bug: ${ended.stdout}${ended.stderr}`)
      if (ended) await results.repair(what, fixture, command, ended)
      else await fixture.close()
    })
    results.report()
  },
)

test.skipIf(!hasStrace)('a read of the database that fails does not set it aside', async () => {
  const { open } = await openMachine()
  const results = openResults(
    'EIO from reads of a renewed database',
    'strace, EIO for the call, or from it on',
  )
  const first = await open({ earlier: 'renewed' })
  const reads = (await callsOf(first, 'sync', [first.stateDir])).filter(({ name }) => name === 'pread64')
  await first.close()
  const trials = reads.flatMap(call => [false, true].map(lasting => ({ call, lasting })))
  await inParallel(
    sample(trials, LONG ? trials.length : 3, seededRandom(SEED)),
    async ({ call, lasting }) => {
      const fixture = await open({ earlier: 'renewed' })
      const ended = await runWithInjection(fixture, 'sync', call, 'error=EIO', lasting)
      const what = `${lasting ? 'from' : 'at'} read ${call.nth}`
      if (ended) await results.repair(what, fixture, 'sync', ended)
      else await fixture.close()
    },
  )
  results.report()
})
