/** The machine has too little: no file left to open, no watch left, a heap too small. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { inParallel, LONG, range, SEED, sample, times } from '../run.ts'
import { allUploaded, openFixture, openMachine, openResults, startDaemon } from './fixture.ts'
import { writeLineages } from './lineages.ts'
import { run } from './process.ts'

const random = seededRandom(SEED)

const shell = (script: string, ...words: readonly string[]) => ['/bin/sh', '-c', script, 'sh', ...words]

test.each([
  {
    fault: 'Out of file descriptors, a sync',
    how: '`ulimit -n` 12 to 32',
    amounts: range(12, 32),
    limited: (amount: number, words: readonly string[]) =>
      shell(`ulimit -c 0; ulimit -n ${amount}; exec "$@"`, ...words),
  },
  {
    fault: 'Out of memory, a sync',
    how: '`--max-old-space-size` 6 to 20 MiB',
    amounts: range(6, 20),
    limited: (amount: number, [node = '', ...words]: readonly string[]) =>
      shell('ulimit -c 0; exec "$@"', node, `--max-old-space-size=${amount}`, ...words),
  },
])('$fault: nothing is lost, and exit 0 means done', async ({ fault, how, amounts, limited }) => {
  const { open } = await openMachine()
  const results = openResults(fault, how)
  const exits = new Set<number | null>()
  await inParallel(sample(amounts, times(2, amounts.length), random), async amount => {
    const fixture = await open()
    const ended = await run(limited(amount, fixture.words('sync')), fixture.env)
    exits.add(ended.code)
    await results.repair(`${amount} (${ended.code ?? ended.signal})`, fixture, 'sync', ended)
  })
  // some amounts are enough, and some are not
  if (LONG) expect([exits.has(0), exits.size > 1]).toEqual([true, true])
  results.report()
})

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

// prlimit is of util-linux, which a bare container may lack
test.skipIf(!LONG || !hasPrlimit)(
  'a daemon without free file descriptors uploads everything once it has some',
  async () => {
    const { lineages, open } = await openMachine()
    const results = openResults('Out of file descriptors, a daemon', '`prlimit --nofile` while it runs')
    const fixture = await open({ earlier: 'none', renewing: true })
    await fixture.sync()
    const daemon = await startDaemon(fixture)
    for (const round of range(0, 4)) {
      const limit = (files: number | string) =>
        spawnSync('prlimit', ['--pid', `${daemon.child.pid}`, `--nofile=${files}:`]).status
      expect(limit(3 + Math.floor(random() * 20))).toBe(0)
      for (const lineage of [0, 1, 2]) await lineages.renew(lineage)
      daemon.child.kill('SIGUSR1')
      await daemon.waitFor('EMFILE')
      expect(limit(1024)).toBe(0)
      daemon.child.kill('SIGUSR1')
      await allUploaded(fixture)
      results.add(`round ${round}`, await fixture.damage([]))
    }
    const ended = await daemon.stop()
    expect(ended.code).toBe(0)
    await results.repair('in the end', fixture, 'watch', ended)
    results.report()
  },
)

const hasUserNamespaces =
  spawnSync('unshare', ['-U', '-r', 'sh', '-c', 'echo 0 > /proc/sys/user/max_inotify_watches']).status === 0

// only a user namespace has limits of its own that a test may set
test.skipIf(!LONG || !hasUserNamespaces)(
  'a daemon without watches polls, and uploads every renewal',
  async () => {
    const root = await temporaryDirectory()
    const results = openResults(
      'Out of inotify watches and instances',
      'a user namespace with 0 to 5 of them',
    )
    const limits = [...range(0, 5).map(count => `max_inotify_watches=${count}`), 'max_inotify_instances=0']
    await inParallel(limits, async limit => {
      const [name, count] = limit.split('=')
      const folder = join(root, limit)
      const lineages = await writeLineages(join(folder, 'lineages'))
      const fixture = await openFixture({ folder, lineages, earlier: 'none', renewing: true })
      const script = `echo ${count} > /proc/sys/user/${name}; exec "$@"`
      const daemon = await startDaemon(fixture, {}, ['unshare', '-U', '-r', ...shell(script)])
      await allUploaded(fixture)
      for (const lineage of [0, 1, 2]) await lineages.renew(lineage)
      await allUploaded(fixture)
      const ended = await daemon.stop()
      if (ended.code !== 0) results.fail(`${limit}: the daemon ended with ${ended.code}`)
      await results.repair(limit, fixture, 'watch', ended)
    })
    results.report()
  },
)
