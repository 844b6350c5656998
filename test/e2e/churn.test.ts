/**
 * Ten renewals a second over 500 lineages of two clients, folders removed and restored, the daemon killed and started
 * again at random. CHURN_SECONDS sets how long (60 by default); the seed is printed.
 */
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { env, hrtime } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { issue, leafFingerprint } from '../fixtures/certificates.ts'
import { acmeIssue, acmeRenew, all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { seededRandom } from '../fixtures/random.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Daemon, startWatch } from './daemon.ts'

const SECONDS = Number(env.CHURN_SECONDS ?? 60)
const LINEAGES = 500
const A_SECOND = 10

/** One of certbot, one of acme.sh, and so on. */
async function issueLineages(folder: string, count: number) {
  const [root, home] = [join(folder, 'le'), join(folder, 'acme')]
  const nameOf = (i: number) => `host${i}.example.com`
  const isCertbot = (i: number) => i % 2 === 0
  const leaves: string[] = []
  const newPair = async (i: number) => {
    const pair = await issue({ names: [nameOf(i)] })
    leaves[i] = leafFingerprint(pair.leaf)
    return pair
  }
  for (let i = 0; i < count; i++)
    await all(
      (isCertbot(i) ? certbotIssue : acmeIssue)(isCertbot(i) ? root : home, nameOf(i), await newPair(i)),
    )
  const renew = async (i: number) => {
    const pair = await newPair(i)
    await all(
      isCertbot(i)
        ? certbotRenew(root, nameOf(i), pair)
        : acmeRenew(home, nameOf(i), pair, { rotateKey: true }),
    )
  }
  /** Resolves to what restores the folder of the lineage. */
  const remove = async (i: number) => {
    const path = isCertbot(i) ? join(root, 'live', nameOf(i)) : join(home, `${nameOf(i)}_ecc`)
    const removed = join(folder, `removed-${i}`)
    await rename(path, removed)
    return () => rename(removed, path)
  }
  return { leaves, renew, remove }
}

async function usageOf(daemon: Daemon): Promise<{ readonly mebibytes: number; readonly files: number }> {
  const status = await readFile(`/proc/${daemon.child.pid}/status`, 'utf8')
  return {
    mebibytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024,
    files: (await readdir(`/proc/${daemon.child.pid}/fd`)).length,
  }
}

test(
  `${SECONDS} s of churn end with every certificate stored once, flat memory and no more open files`,
  async () => {
    const seed = Number(env.CHURN_SEED ?? hrtime.bigint() % 1_000_000n)
    const random = seededRandom(seed)
    const folder = await temporaryDirectory()
    const { leaves, renew, remove } = await issueLineages(folder, LINEAGES)
    const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
    const start = () => startWatch(folder, emulator.url, ['--rate', '500'])
    const anyLineage = () => Math.floor(random() * LINEAGES)
    let daemon = await start()
    let [kills, renewals] = [0, 0]
    const usages: Awaited<ReturnType<typeof usageOf>>[] = []

    const begin = performance.now()
    // by the clock: on a busy machine a round takes longer than its second
    for (let elapsed = 0; elapsed < SECONDS; elapsed = (performance.now() - begin) / 1_000) {
      const began = performance.now()
      for (let i = 0; i < A_SECOND; i++, renewals++) await renew(anyLineage())
      const restore = await remove(anyLineage())
      // killed in the first half alone: in the second its memory is measured
      if (elapsed < SECONDS / 2 && random() < 1 / 15) {
        daemon.child.kill('SIGKILL')
        await daemon.end()
        daemon = await start()
        kills++
      }
      await setTimeout(Math.max(0, 1_000 - (performance.now() - began)))
      await restore()
      if (elapsed >= SECONDS / 2) usages.push(await usageOf(daemon))
    }

    const stored = () => emulator.certificates().map(({ fingerprint }) => fingerprint)
    const missing = () => leaves.filter(leaf => !stored().includes(leaf))
    await expect.poll(missing, { timeout: 120_000, interval: 500 }).toEqual([])
    expect(renewals).toBeGreaterThan(SECONDS * 2)
    expect(new Set(stored()).size).toBe(stored().length)

    const quarter = Math.max(1, Math.floor(usages.length / 4))
    const mean = (key: 'mebibytes' | 'files', of: typeof usages) =>
      of.reduce((sum, one) => sum + one[key], 0) / of.length
    const growth = (key: 'mebibytes' | 'files') => ({
      first: mean(key, usages.slice(0, quarter)),
      last: mean(key, usages.slice(-quarter)),
    })
    const [memory, files] = [growth('mebibytes'), growth('files')]
    const shown = ({ first, last }: typeof memory) => `${first.toFixed(0)} to ${last.toFixed(0)}`
    process.stdout.write(
      `  seed ${seed}: ${renewals} renewals, ${stored().length} stored, ${emulator.entries.length} requests, ${kills} kills; ` +
        `memory ${shown(memory)} MiB, open files ${shown(files)}\n`,
    )
    expect(memory.last).toBeLessThan(memory.first * 1.25 + 10)
    expect(files.last).toBeLessThan(files.first + 20)
    expect(await daemon.end()).toBe(0)
    await emulator.close()
    // no database was set aside as damaged
    expect((await readdir(join(folder, 'state'))).sort()).toEqual(['state.db', 'state.db-journal'])
  },
  (SECONDS + 300) * 1000,
)
