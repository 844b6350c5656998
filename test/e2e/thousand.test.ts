/** The first sync of a large server keeps the rate limit without a throttled request, and loses little time to it, unless the machine stalls. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { run } from './child.ts'
import { openAccount } from './emulatorAccount.ts'
import { MAIN, reportOf } from './program.ts'

const LINEAGES = 1_000
const RATE = 10

/** In milliseconds: at the limit it takes 100 s, and on a busy machine what the machine takes. */
const TIMEOUT = 500_000

/**
 * The machine did not run the program, or not the service, if nothing arrived for so long, in milliseconds. What the rate
 * limiter does not know of is a request that takes longer than this on its way: it may meet those that were sent after it.
 */
const STALL = 250

/** In a second before this, and in the one before that, which a late arrival belongs to. */
const NEAR = 2_000

test(`${LINEAGES} lineages are uploaded at ${RATE} requests a second without one throttled request`, {
  timeout: TIMEOUT + 60_000,
}, async () => {
  const folder = await temporaryDirectory()
  for (let i = 0; i < LINEAGES; i++) {
    const name = `host${i}.example.com`
    const { chain, key } = await issue({ names: [name] })
    const live = join(folder, 'le/live', name)
    await mkdir(live, { recursive: true })
    await writeFile(join(live, 'fullchain.pem'), chain)
    await writeFile(join(live, 'privkey.pem'), key)
  }
  const { emulator, options, credentials } = await openAccount(join(folder, 'state'))
  onTestFinished(emulator.close)
  const words = [MAIN, 'sync', '--json', '--source', `certbot=${folder}/le`, ...options]
  const { summary } = reportOf(await run(process.execPath, words, credentials, TIMEOUT))
  expect(summary).toMatchObject({ uploaded: LINEAGES, unchanged: 0, refused: 0, failed: 0, planned: 0 })
  expect(new Set(emulator.certificates().map(({ fingerprint }) => fingerprint)).size).toBe(LINEAGES)

  const times = emulator.entries.map(({ at }) => at)
  const gaps = times.map((at, i) => ({ at, ms: at - (times[i - 1] ?? at) }))
  const stalls = gaps.filter(({ ms }) => ms > STALL)
  const refused = emulator.entries.filter(({ code }) => code !== 'OK')
  const unexplained = refused.filter(one => !stalls.some(({ at }) => at <= one.at && at > one.at - NEAR))
  expect(unexplained).toEqual([])
  expect(emulator.entries).toHaveLength(LINEAGES + refused.length)

  const stalled = stalls.reduce((sum, { ms }) => sum + ms - 1000 / RATE, 0) / 1000
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
  const perfect = (LINEAGES - 1) / RATE
  // printed for the figure in the documentation
  process.stdout.write(
    `  ${LINEAGES} uploads in ${seconds.toFixed(1)} s; the limit itself needs ${perfect.toFixed(1)} s; ${refused.length} throttled, ${stalled.toFixed(1)} s stalled\n`,
  )
  expect(seconds - stalled).toBeLessThan(perfect * 1.1)
})
