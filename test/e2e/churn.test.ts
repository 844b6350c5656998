/**
 * Churn: ten renewals a second over 500 lineages of two clients, folders taken away and brought back, the daemon killed
 * and started again at random. CHURN_SECONDS sets how long (60 where it is not set); the seed is printed.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, hrtime } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { seededRandom } from '../fixtures/random.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openChurnGround } from './churnFixture.ts'
import { type Daemon, startWatch } from './daemon.ts'

const SECONDS = Number(env.CHURN_SECONDS ?? 60)
const LINEAGES = 500
const A_SECOND = 10

async function weightOf(daemon: Daemon): Promise<{ readonly mebibytes: number; readonly files: number }> {
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
    const throwDice = seededRandom(seed)
    const folder = await temporaryDirectory()
    const ground = await openChurnGround(folder, LINEAGES)
    const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
    const start = () => startWatch(folder, emulator.url, ['--rate', '500'])
    let daemon = await start()
    let [kills, renewals] = [0, 0]
    const weights: Awaited<ReturnType<typeof weightOf>>[] = []

    const begin = performance.now()
    // by the clock: on a machine that is busy with other things too, a round of ten takes longer than its second
    for (let elapsed = 0; elapsed < SECONDS; elapsed = (performance.now() - begin) / 1_000) {
      const began = performance.now()
      for (let i = 0; i < A_SECOND; i++, renewals++) await ground.renew(Math.floor(throwDice() * LINEAGES))
      const bringBack = await ground.takeAway(Math.floor(throwDice() * LINEAGES))
      // killed in the first half; in the second it lives on, to be weighed
      if (elapsed < SECONDS / 2 && throwDice() < 1 / 15) {
        daemon.child.kill('SIGKILL')
        await daemon.end()
        daemon = await start()
        kills++
      }
      await setTimeout(Math.max(0, 1_000 - (performance.now() - began)))
      await bringBack()
      if (elapsed >= SECONDS / 2) weights.push(await weightOf(daemon))
    }

    const stored = () => emulator.certificates().map(({ fingerprint }) => fingerprint)
    const missing = () => ground.leaves().filter(leaf => !stored().includes(leaf))
    await expect.poll(missing, { timeout: 120_000, interval: 500 }).toEqual([])
    expect(renewals).toBeGreaterThan(SECONDS * 2)
    expect(new Set(stored()).size).toBe(stored().length)

    const part = Math.max(1, Math.floor(weights.length / 4))
    const mean = (of: typeof weights, key: 'mebibytes' | 'files') =>
      of.reduce((sum, one) => sum + one[key], 0) / of.length
    const [first, last] = [weights.slice(0, part), weights.slice(-part)]
    const figures = (key: 'mebibytes' | 'files') =>
      `${mean(first, key).toFixed(0)} to ${mean(last, key).toFixed(0)}`
    process.stdout.write(
      `  seed ${seed}: ${renewals} renewals, ${stored().length} stored, ${emulator.entries.length} requests, ${kills} kills; ` +
        `memory ${figures('mebibytes')} MiB, open files ${figures('files')}\n`,
    )
    expect(mean(last, 'mebibytes')).toBeLessThan(mean(first, 'mebibytes') * 1.25 + 10)
    expect(mean(last, 'files')).toBeLessThan(mean(first, 'files') + 20)
    expect(await daemon.end()).toBe(0)
    await emulator.close()
    // no database was set aside as damaged
    expect((await readdir(join(folder, 'state'))).sort()).toEqual(['state.db', 'state.db-journal'])
  },
  (SECONDS + 300) * 1000,
)
