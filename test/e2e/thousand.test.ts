/** The first sync of a large server keeps the rate limit without a throttled request, and loses little time to it. */
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

/** In milliseconds: at the limit it takes 100 s. */
const TIMEOUT = 160_000

test(`${LINEAGES} lineages are uploaded at ${RATE} requests a second without one throttled request`, async () => {
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
  expect(emulator.entries.filter(({ code }) => code !== 'OK')).toEqual([])
  expect(emulator.entries).toHaveLength(LINEAGES)
  expect(new Set(emulator.certificates().map(({ fingerprint }) => fingerprint)).size).toBe(LINEAGES)

  const times = emulator.entries.map(({ at }) => at)
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
  const perfect = (LINEAGES - 1) / RATE
  // printed for the figure in the documentation
  process.stdout.write(
    `  ${LINEAGES} uploads in ${seconds.toFixed(1)} s; the limit itself needs ${perfect.toFixed(1)} s\n`,
  )
  expect(seconds).toBeLessThan(perfect * 1.1)
})
