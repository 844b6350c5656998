import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStage } from './commandFixture.ts'

test('sync writes the metrics of its run for node_exporter', async () => {
  const { type, certbot, folder } = await openStage()
  const { notAfter } = await certbot('example.com')
  const file = join(folder, 'certferry.prom')
  expect((await type(['sync', '--metrics-file', file])).exit).toBe(0)
  const text = await readFile(file, 'utf8')
  expect(text).toContain('certferry_certificate_synced{lineage="certbot:example.com"} 1')
  expect(text).toContain(
    `certferry_certificate_not_after_timestamp_seconds{lineage="certbot:example.com"} ${notAfter.getTime() / 1000}`,
  )
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
