/** Memory capped by the kernel: at 128 MiB the work is done; below, a pass that is killed loses nothing. */
import { join } from 'node:path'
import { env, stderr, stdout } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, SEED, times } from '../run.ts'
import { ended } from './child.ts'
import { allCarried, startDaemon } from './daemon.ts'
import { plantGrove } from './manyLineages.ts'
import { type MemoryGroup, openMemoryGroup } from './memoryGroup.ts'
import { drawn, inLanes } from './parallel.ts'
import { openLedger } from './results.ts'
import { type Ground, openGround } from './stateDirFixture.ts'

const MIB = 1 << 20
const CAP = 128

/** Faster than any account allows: memory is the question, not time. */
const RATE = ['--rate', '1000']

const canCap = await openMemoryGroup(CAP * MIB).then(async group => {
  await group?.close()
  return group !== undefined
})
if (!canCap) stderr.write('memory: no control group can be made here, the cap is not tried\n')

async function capped(mib: number): Promise<MemoryGroup> {
  const group = await openMemoryGroup(mib * MIB)
  if (!group) throw new Error('no control group can be made any more')
  onTestFinished(group.close)
  return group
}

/**
 * With a Node of its own, read anew by whoever is capped: of one that others run too the kernel counts nothing here, and
 * 128 MiB would seem to be more than they are.
 */
const AS_ALONE = ['/bin/sh', '-c', 'cp "$1" "$0" && shift && exec "$0" "$@"'] as const
const alone = ({ folder }: Ground, { prefix }: MemoryGroup) =>
  LONG ? [...prefix, ...AS_ALONE, join(folder, 'node')] : prefix

const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`

/** `FAULT_LINEAGES` asks of another number whether it fits. */
const COUNTS = env.FAULT_LINEAGES ? [Number(env.FAULT_LINEAGES)] : LONG ? [100, 1_000] : [10]

test.skipIf(!canCap).each(COUNTS)('%i lineages fit', async count => {
  const root = await temporaryDirectory()
  const trees = await plantGrove(join(root, 'trees'), count)
  const ledger = openLedger(
    `Memory capped at ${CAP} MiB: \`sync\` twice and \`watch\` over ${count} lineages`,
    'control group, in the long run with a Node of its own, whose pages count',
  )
  const ground = await openGround({ folder: join(root, 'ground'), trees, past: 'none', renewing: true })
  for (const what of ['all new', 'all known']) {
    const group = await capped(CAP)
    const made = await ended([...alone(ground, group), ...ground.words('sync', ...RATE)], ground.env)
    stdout.write(
      `  sync, ${count} lineages, ${what}: ${mib(await group.peak())}, exit ${made.code ?? made.signal}\n`,
    )
    const account = await ground.account([made])
    if (made.code !== 0)
      ledger.complain(`${what}: exit ${made.code ?? made.signal}: ${made.stdout.slice(-300)}`)
    ledger.book(what, account)
  }
  const group = await capped(CAP)
  const daemon = await startDaemon(ground, {}, alone(ground, group))
  await allCarried(ground)
  await trees.renew(0)
  await allCarried(ground)
  const made = await daemon.end()
  stdout.write(`  watch, ${count} lineages: ${mib(await group.peak())}, exit ${made.code ?? made.signal}\n`)
  expect(made.code).toBe(0)
  await ledger.enter({ what: 'watch', ground, command: 'watch', made })
  ledger.close()
})

/** From what a pass cannot even start in to what it does all its work in. */
const CAPS = Array.from({ length: 16 }, (_, i) => 30 + 4 * i)

test.skipIf(!canCap)('with less, a pass does its work or is seen to have failed', async () => {
  const root = await temporaryDirectory()
  const trees = await plantGrove(join(root, 'trees'), times(10, 60))
  const ledger = openLedger(
    'Memory capped at 30 to 90 MiB, a pass',
    'control group; pages of a Node that others run do not count',
  )
  const exits = new Map<string, number[]>()
  await inLanes(drawn(CAPS, times(2, CAPS.length), seededDice(SEED)), async cap => {
    const ground = await openGround({ folder: join(root, `${cap}`), trees, past: 'none' })
    const { prefix } = await capped(cap)
    const made = await ended([...prefix, ...ground.words('sync', ...RATE)], ground.env)
    const exit = `${made.code ?? made.signal}`
    exits.set(exit, [...(exits.get(exit) ?? []), cap])
    await ledger.enter({ what: `${cap} MiB (${exit})`, ground, command: 'sync', made })
  })
  for (const [exit, caps] of exits) stdout.write(`  exit ${exit} at ${caps.join(', ')} MiB\n`)
  if (LONG) expect([exits.has('0'), exits.has('SIGKILL')]).toEqual([true, true])
  ledger.close()
})
