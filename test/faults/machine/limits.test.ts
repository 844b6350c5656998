/** The machine has too little: no file left to open, no watch left, a heap too small. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED, times } from '../run.ts'
import { ended } from './child.ts'
import { allCarried, startDaemon } from './daemon.ts'
import { drawn, inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { openGround } from './stateDirFixture.ts'
import { plantTrees } from './trees.ts'

const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

const dice = seededDice(SEED)

const PASSES = [
  {
    fault: 'Out of file descriptors, a pass',
    how: '`ulimit -n` 12 to 32',
    amounts: upTo(12, 32),
    under: (amount: number, words: readonly string[]) => [
      '/bin/sh',
      '-c',
      `ulimit -c 0; ulimit -n ${amount}; exec "$@"`,
      'sh',
      ...words,
    ],
  },
  {
    fault: 'Out of memory, a pass',
    how: '`--max-old-space-size` 6 to 20 MiB',
    amounts: upTo(6, 20),
    under: (amount: number, [node = '', ...words]: readonly string[]) => [
      '/bin/sh',
      '-c',
      'ulimit -c 0; exec "$@"',
      'sh',
      node,
      `--max-old-space-size=${amount}`,
      ...words,
    ],
  },
] as const

test.each(PASSES)('$fault: nothing is lost, and 0 means done', async ({ fault, how, amounts, under }) => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const ledger = openLedger(fault, how)
  const exits = new Set<number | null>()
  await inLanes(drawn(amounts, times(2, amounts.length), dice), async amount => {
    const ground = await openGround({ folder: join(root, `${amount}`), trees })
    const made = await ended(under(amount, ground.words('sync')), ground.env)
    exits.add(made.code)
    await ledger.enter({ what: `${amount} (${made.code ?? made.signal})`, ground, command: 'sync', made })
  })
  // some amounts are enough, and some are not
  if (LONG) expect([exits.has(0), exits.size > 1]).toEqual([true, true])
  ledger.close()
})

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

// prlimit is of util-linux, which a bare container may lack
test.skipIf(!LONG || !hasPrlimit)(
  'a daemon that has no file left to open carries all once it has',
  async () => {
    const root = await temporaryDirectory()
    const trees = await plantTrees(join(root, 'trees'))
    const ledger = openLedger('Out of file descriptors, a daemon', '`prlimit --nofile` while it runs')
    const ground = await openGround({ folder: join(root, 'ground'), trees, past: 'none', renewing: true })
    // it has nothing to send before its files are taken from it
    await ground.pass()
    const daemon = await startDaemon(ground)
    for (let round = 0; round < 5; round++) {
      const limit = (files: number | string) =>
        spawnSync('prlimit', ['--pid', `${daemon.child.pid}`, `--nofile=${files}:`]).status
      expect(limit(3 + Math.floor(dice() * 20))).toBe(0)
      for (const lineage of [0, 1, 2]) await trees.renew(lineage)
      daemon.child.kill('SIGUSR1')
      await daemon.saying('EMFILE')
      expect(limit(1024)).toBe(0)
      daemon.child.kill('SIGUSR1')
      await allCarried(ground)
      ledger.book(`round ${round}`, await ground.account([]))
    }
    const made = await daemon.end()
    expect(made.code).toBe(0)
    await ledger.enter({ what: 'in the end', ground, command: 'watch', made })
    ledger.close()
  },
)

const hasUserNamespaces =
  spawnSync('unshare', ['-U', '-r', 'sh', '-c', 'echo 0 > /proc/sys/user/max_inotify_watches']).status === 0

// only a user namespace has limits of its own that a test may set
test.skipIf(!LONG || !hasUserNamespaces)(
  'a daemon without watches polls, and carries every renewal',
  async () => {
    const root = await temporaryDirectory()
    const ledger = openLedger('Out of inotify watches and instances', 'a user namespace with 0 to 5 of them')
    const limits = [...upTo(0, 5).map(count => `max_inotify_watches=${count}`), 'max_inotify_instances=0']
    await inLanes(limits, async limit => {
      const [name, count] = limit.split('=')
      const folder = join(root, limit)
      const own = await plantTrees(join(folder, 'trees'))
      const ground = await openGround({ folder, trees: own, past: 'none', renewing: true })
      const script = `echo ${count} > /proc/sys/user/${name}; exec "$@"`
      const daemon = await startDaemon(ground, {}, ['unshare', '-U', '-r', '/bin/sh', '-c', script, 'sh'])
      await allCarried(ground)
      for (const lineage of [0, 1, 2]) await own.renew(lineage)
      await allCarried(ground)
      const made = await daemon.end()
      if (made.code !== 0) ledger.complain(`${limit}: the daemon ended with ${made.code}`)
      await ledger.enter({ what: limit, ground, command: 'watch', made })
    })
    ledger.close()
  },
)
