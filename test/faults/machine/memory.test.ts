/** Memory capped by the kernel: at 128 MiB the work is done; below, a sync that is killed loses nothing. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, stderr, stdout } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { sleep } from '../../../src/util/async.ts'
import { isRoot } from '../../fixtures/asNobody.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { inParallel, LONG, range, SEED, sample, times } from '../run.ts'
import { allUploaded, openFixture, openResults, startDaemon } from './fixture.ts'
import { writeManyLineages } from './lineages.ts'

/** Control groups of version 1 and 2. Swap would be the way out, but not every kernel counts it. */
const VERSIONS = [
  {
    parent: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    swap: 'memory.memsw.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
  },
  { parent: '/sys/fs/cgroup', limit: 'memory.max', swap: 'memory.swap.max', peak: 'memory.peak' },
] as const

interface MemoryGroup {
  /** Before a command, runs it in the group. */
  readonly prefix: readonly string[]
  /** The most it has ever held, in bytes, cached files and the kernel's own part included. */
  readonly peak: () => Promise<number>
  readonly close: () => Promise<void>
}

/** Undefined where none can be made. */
async function openMemoryGroup(bytes: number): Promise<MemoryGroup | undefined> {
  for (const { parent, limit, swap, peak } of isRoot ? VERSIONS : []) {
    const group = join(parent, `certferry-${randomUUID()}`)
    const at = (name: string) => join(group, name)
    if ((await mkdir(group).catch(() => 'failed')) === 'failed') continue
    if (!existsSync(at(limit))) {
      await rmdir(group)
      continue
    }
    await writeFile(at(limit), `${bytes}`)
    if (existsSync(at(swap))) await writeFile(at(swap), swap.endsWith('.max') ? '0' : `${bytes}`)
    return {
      prefix: ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs"; ulimit -c 0; exec "$@"', group],
      peak: async () => Number(await readFile(at(peak), 'utf8').catch(() => Number.NaN)),
      close: () => removeGroup(group),
    }
  }
  return undefined
}

/** A process that was killed in it takes its time to be gone. */
async function removeGroup(group: string, attempts = 40): Promise<void> {
  const error = await rmdir(group).catch((reason: NodeJS.ErrnoException) => reason)
  if (!error) return
  if (error.code !== 'EBUSY' || attempts === 0) throw error
  await sleep(50)
  await removeGroup(group, attempts - 1)
}

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

/** Starts a copy of Node: the kernel does not count the pages of one that others run too. */
const ALONE = ['/bin/sh', '-c', 'cp "$1" "$0" && shift && exec "$0" "$@"'] as const

const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`

/** `FAULT_LINEAGES` tries another number. */
const COUNTS = env.FAULT_LINEAGES ? [Number(env.FAULT_LINEAGES)] : LONG ? [100, 1_000] : [10]

test.skipIf(!canCap).each(COUNTS)('%i lineages fit in 128 MiB', async count => {
  const root = await temporaryDirectory()
  const lineages = await writeManyLineages(join(root, 'lineages'), count)
  const results = openResults(
    `Memory capped at ${CAP} MiB: \`sync\` twice and \`watch\` over ${count} lineages`,
    'control group, in the long run with a Node of its own, whose pages count',
  )
  const fixture = await openFixture({
    folder: join(root, 'fixture'),
    lineages,
    earlier: 'none',
    renewing: true,
  })
  const prefixOf = ({ prefix }: MemoryGroup) =>
    LONG ? [...prefix, ...ALONE, join(fixture.folder, 'node')] : prefix
  const report = async (what: string, group: MemoryGroup, exit: unknown) =>
    stdout.write(`  ${what}, ${count} lineages: ${mib(await group.peak())}, exit ${exit}\n`)
  for (const what of ['all new', 'all known']) {
    const group = await capped(CAP)
    const ended = await fixture.run('sync', prefixOf(group), ...RATE)
    await report(`sync, ${what}`, group, ended.code ?? ended.signal)
    if (ended.code !== 0)
      results.fail(`${what}: exit ${ended.code ?? ended.signal}: ${ended.stdout.slice(-300)}`)
    results.add(what, await fixture.damage([ended]))
  }
  const group = await capped(CAP)
  const daemon = await startDaemon(fixture, {}, prefixOf(group))
  await allUploaded(fixture)
  await lineages.renew(0)
  await allUploaded(fixture)
  const ended = await daemon.stop()
  await report('watch', group, ended.code ?? ended.signal)
  expect(ended.code).toBe(0)
  await results.repair('watch', fixture, 'watch', ended)
  results.report()
})

/** From too little to start to enough for everything. */
const CAPS = range(0, 15).map(i => 30 + 4 * i)

test.skipIf(!canCap)('with less memory, a sync does its work or is seen to have failed', async () => {
  const root = await temporaryDirectory()
  const lineages = await writeManyLineages(join(root, 'lineages'), times(10, 60))
  const results = openResults(
    'Memory capped at 30 to 90 MiB, a sync',
    'control group; pages of a Node that others run do not count',
  )
  const exits = new Map<string, number[]>()
  await inParallel(sample(CAPS, times(2, CAPS.length), seededRandom(SEED)), async cap => {
    const fixture = await openFixture({ folder: join(root, `${cap}`), lineages, earlier: 'none' })
    const { prefix } = await capped(cap)
    const ended = await fixture.run('sync', prefix, ...RATE)
    const exit = `${ended.code ?? ended.signal}`
    exits.set(exit, [...(exits.get(exit) ?? []), cap])
    await results.repair(`${cap} MiB (${exit})`, fixture, 'sync', ended)
  })
  for (const [exit, caps] of exits) stdout.write(`  exit ${exit} at ${caps.join(', ')} MiB\n`)
  if (LONG) expect([exits.has('0'), exits.has('SIGKILL')]).toEqual([true, true])
  results.report()
})
