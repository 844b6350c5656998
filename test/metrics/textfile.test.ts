import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deploySettings } from '../../src/config/deploy.ts'
import { textfileProblem } from '../../src/config/values.ts'
import { openTextfileMetrics } from '../../src/metrics/textfile.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import { openReceiptStore } from '../../src/receipts/store.ts'
import { pemLineage } from '../../src/sources/lineage.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import { recordedContext } from '../fixtures/context.ts'
import { receiptWith, SETTINGS } from '../fixtures/samples.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const NAME = 'certferry.prom'

const lineageOf = (name: string) =>
  pemLineage({ kind: 'pem', name, chain: '/chain.pem', key: '/key.pem', keys: {} }, () => ({
    upload: SETTINGS,
    deploy: deploySettings({}),
  }))

const unchanged = (lineage: string): Outcome => ({
  lineage,
  outcome: 'unchanged',
  because: 'unchanged',
  certificateId: 'id',
  elapsedMs: 1,
})

/** Writes the file as a run that checked `checked` does. Returns the warnings. */
async function writeMetrics(
  folder: string,
  checked: readonly string[],
  receipts: readonly Receipt[] = [],
): Promise<readonly string[]> {
  const warnings: string[] = []
  const ignore = () => {}
  const log = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (_: unknown, text: string) => void warnings.push(text),
  }
  const store = openReceiptStore(join(folder, 'state'), ignore, () => new Date())
  const textfile = await openTextfileMetrics(recordedContext({ cwd: folder }).context, NAME)
  const outcomes = checked.map(unchanged)
  for (const outcome of outcomes) textfile?.metrics.outcome(outcome)
  await textfile?.write(
    log,
    { ...store, all: async () => receipts },
    { outcomes, lineages: [lineageOf('a'), lineageOf('b')] },
  )
  return warnings
}

test('the metrics file is replaced in one step, readable to node_exporter, and nothing is left beside it', async () => {
  const folder = await temporaryDirectory()
  await writeMetrics(folder, ['pem:a'])
  const before = await stat(join(folder, NAME))
  await writeMetrics(folder, ['pem:b'])
  const after = await stat(join(folder, NAME))
  expect(after.ino).not.toBe(before.ino)
  expect(after.mode & 0o777).toBe(0o644)
  expect(await readdir(folder)).toEqual([NAME])
})

test('a metrics file that cannot be put in place is a warning and leaves nothing behind', async () => {
  const folder = await temporaryDirectory()
  await mkdir(join(folder, NAME, 'full'), { recursive: true })
  expect(await writeMetrics(folder, ['pem:a'])).toEqual([
    expect.stringContaining(`the metrics could not be written to ${join(folder, NAME)} (E`),
  ])
  expect(await readdir(folder)).toEqual([NAME])
})

test('the metrics file replaces a link and is never written through it', async () => {
  const folder = await temporaryDirectory()
  await writeFile(join(folder, 'precious'), 'precious')
  await symlink(join(folder, 'precious'), join(folder, NAME))
  await writeMetrics(folder, ['pem:a'])
  expect(await readFile(join(folder, 'precious'), 'utf8')).toBe('precious')
})

test('the metrics file has gauges only, and shows from receipts what is on disk and was not checked', async () => {
  const folder = await temporaryDirectory()
  const receipts = ['pem:a', 'pem:b', 'pem:gone'].map(lineage => receiptWith({ lineage }))
  await writeMetrics(folder, ['pem:a'], receipts)
  const text = await readFile(join(folder, NAME), 'utf8')
  expect(text).not.toMatch(/counter|_total|source_watch_up/)
  const shown = text.match(/^certferry_certificate_synced.*$/gm)
  expect(shown).toEqual(['pem:a', 'pem:b'].map(id => `certferry_certificate_synced{lineage="${id}"} 1`))
  expect(text).toContain('certferry_certificate_not_after_timestamp_seconds{lineage="pem:b"}')
  expect(text).toContain('certferry_certificates_pending 0')
})

test.each(['/tmp/certferry.txt', 'certferry', '/tmp/.prom', '/tmp/prom', ''])(
  '%j is no name for a metrics file: node_exporter would not read it',
  path => {
    expect(textfileProblem(path)).toContain('.prom')
    expect(textfileProblem(NAME)).toBeUndefined()
  },
)
