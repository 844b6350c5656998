import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { issue } from '../fixtures/certificates.ts'
import { all, certbotRenew } from '../fixtures/producers.ts'
import { openStage } from './commandFixture.ts'

test('sync writes the metrics for node_exporter, and the next one goes on counting', async () => {
  const { type, certbot, folder } = await openStage({
    faults: ({ n }) => (n === 1 ? 'gateway-throttle' : undefined),
  })
  const { notAfter } = await certbot('example.com')
  const file = join(folder, 'certferry.prom')
  const text = async () => {
    expect((await type(['sync', '--metrics-file', file])).exit).toBe(0)
    return readFile(file, 'utf8')
  }
  const first = await text()
  expect(first).toContain('certferry_uploads_total{outcome="uploaded"} 1')
  expect(first).toContain('certferry_requests_throttled_total 1')
  expect(first).toContain(
    `certferry_certificate_not_after_timestamp_seconds{lineage="certbot:example.com"} ${notAfter.getTime() / 1000}`,
  )
  await all(certbotRenew(join(folder, 'letsencrypt'), 'example.com', await issue({ names: ['example.com'] })))
  expect(await text()).toContain('certferry_uploads_total{outcome="uploaded"} 2')
})

test('a metrics file that cannot be written is warned of, and the certificate is uploaded all the same', async () => {
  const { type, certbot, emulator } = await openStage()
  await certbot('example.com')
  const run = await type(['sync', '--metrics-file', '/nowhere/certferry.prom'])
  expect(run.exit).toBe(0)
  expect(run.out()).toContain('the metrics could not be written to /nowhere/certferry.prom')
  expect(emulator.certificates()).toHaveLength(1)
})

test('a path that node_exporter would not read is refused', async () => {
  const { type } = await openStage()
  expect((await type(['sync', '--metrics-file', 'x.txt'])).exit).toBe(64)
})
