/** From the last write of a renewal to the upload request, with a thousand lineages watched. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Daemon, startWatch } from './daemon.ts'

const LINEAGES = 1_000
const RENEWALS = 100

let daemon: Daemon
let folder: string
const arrivals: number[] = []
const emulator = await startEmulator({
  rate: Number.POSITIVE_INFINITY,
  onRequest: ({ at }) => arrivals.push(at),
})
const nameOf = (i: number) => `host${i}.example.com`

beforeAll(async () => {
  folder = await temporaryDirectory()
  for (let i = 0; i < LINEAGES; i++) {
    await all(certbotIssue(join(folder, 'le'), nameOf(i), await issue({ names: [nameOf(i)] })))
  }
  daemon = await startWatch(folder, emulator.url, ['--rate', '1000'])
  await vi.waitFor(() => expect(emulator.certificates()).toHaveLength(LINEAGES), {
    timeout: 100_000,
    interval: 500,
  })
})

afterAll(async () => {
  await daemon?.end()
  await emulator.close()
})

/** The value below which this share of the sorted values lies. */
const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
  Number.NaN

test(`${RENEWALS} renewals among ${LINEAGES} watched lineages: the request leaves within 150 ms at the median, 500 ms at the 99th percentile`, async () => {
  const latencies: number[] = []
  for (let i = 0; i < RENEWALS; i++) {
    const name = nameOf((i * 37) % LINEAGES)
    const renewal = certbotRenew(join(folder, 'le'), name, await issue({ names: [name] }))
    const before = arrivals.length
    let lastWrite = 0
    for (const step of renewal) {
      await step.run()
      // what follows only takes the links back that a failed renewal would have needed
      if (step.name === 'link fullchain') lastWrite = Date.now()
    }
    await expect.poll(() => arrivals.length, { timeout: 10_000, interval: 5 }).toBe(before + 1)
    latencies.push((arrivals.at(-1) ?? 0) - lastWrite)
  }
  const [median, late] = [quantile(latencies, 0.5), quantile(latencies, 0.99)]
  process.stdout.write(
    `  last write to request: median ${median} ms, 99th percentile ${late} ms, longest ${Math.max(...latencies)} ms\n`,
  )
  expect(median).toBeLessThanOrEqual(150)
  expect(late).toBeLessThanOrEqual(500)
})
