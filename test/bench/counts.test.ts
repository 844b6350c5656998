/** What speed rests on, in counts: a look at what has not changed loads little, opens little, reads little, asks nobody. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { below, hasStrace, loaded, opened, read, traced } from './counted.ts'
import { aged, type House, openHouse, uploaded } from './countedHouse.ts'
import { renewTree } from './trees.ts'

const LINEAGES = 20

/** Words that only a package's own code has. */
const MARKS = {
  undici: 'UND_ERR_HEADERS_OVERFLOW',
  '@peculiar/x509': 'X509CertificateGenerator',
  chokidar: 'awaitWriteFinish',
} as const

const carriers = (files: readonly string[], mark: string) =>
  files.filter(file => readFileSync(file, 'utf8').includes(mark)).map(file => basename(file))

async function unchangedHook() {
  const house = await openHouse(1)
  await uploaded(house)
  const before = house.service.emulator.entries.length
  const env = { ...house.env, RENEWED_LINEAGE: house.live(0) }
  return { house, before, env }
}

describe('a hook for a certificate that was uploaded before', () => {
  test.each(Object.entries(MARKS))('does not load %s', async (_, mark) => {
    const { house, env } = await unchangedHook()
    const { files, ended } = await loaded(house.folder, ['hook'], env)
    expect(ended.code).toBe(0)
    expect(files.length).toBeGreaterThan(0)
    expect(carriers(files, mark)).toEqual([])
  })

  test('loads few files, little code, and few parts of Node', async () => {
    const { house, before, env } = await unchangedHook()
    const bare = await loaded(house.folder, [], {})
    const { files, bytes, parts, ended } = await loaded(house.folder, ['hook'], env)
    expect(ended.code).toBe(0)
    expect(house.service.emulator.entries).toHaveLength(before)
    expect(files.length - bare.files.length).toBeLessThanOrEqual(MOST.files)
    expect(bytes - bare.bytes).toBeLessThanOrEqual(MOST.bytes)
    expect(parts.length - bare.parts.length).toBeLessThanOrEqual(MOST.parts)
  })
})

/** What was seen, rounded up: who makes a hook heavier should know it. */
const MOST = { files: 100, bytes: 400_000, parts: 60 } as const

const pems = (files: readonly string[]) => files.filter(file => file.endsWith('.pem'))
const receipts = (files: readonly string[], { state }: House) =>
  files.filter(file => file.startsWith(`${state}/`) && file.endsWith('.json'))

// strace is not on every machine
describe.skipIf(!hasStrace)('seen by the kernel', () => {
  test('a hook for an unchanged certificate opens its receipt, no certificate, and no connection', async () => {
    const { house, env } = await unchangedHook()
    const { calls, ended } = await traced(house.folder, ['hook'], env)
    expect(ended.code).toBe(0)
    expect(receipts(opened(calls), house)).toHaveLength(1)
    expect(pems(opened(calls))).toEqual([])
    expect(calls.filter(({ name }) => name === 'connect')).toEqual([])
  })

  test(`a pass over ${LINEAGES} unchanged lineages opens as many receipts, no certificate, and no connection`, async () => {
    const house = await openHouse(LINEAGES)
    await uploaded(house)
    const { calls, ended } = await traced(house.folder, ['sync', ...house.words], house.env)
    expect(ended.code).toBe(0)
    expect(receipts(opened(calls), house)).toHaveLength(LINEAGES)
    expect(pems(opened(calls))).toEqual([])
    expect(calls.filter(({ name }) => name === 'connect')).toEqual([])
  })

  test('each unchanged lineage more costs a few calls more', async () => {
    const [few, many] = await Promise.all(
      [LINEAGES, 2 * LINEAGES].map(async lineages => {
        const house = await openHouse(lineages)
        await uploaded(house)
        const { calls } = await traced(house.folder, ['sync', ...house.words], house.env)
        return below(house.folder, calls).length
      }),
    )
    expect(((many ?? 0) - (few ?? 0)) / LINEAGES).toBeLessThanOrEqual(CALLS)
  })

  test('of one renewal among others one chain and one key are read, and one request is sent', async () => {
    const house = await openHouse(LINEAGES)
    await uploaded(house)
    const [pair] = await house.pool.fresh(1)
    if (!pair) throw new RangeError('no certificate')
    renewTree(house.root, 7, pair, 2)
    await aged(`${house.live(7)}/fullchain.pem`)
    const { calls, ended } = await traced(house.folder, ['sync', ...house.words], house.env)
    expect(ended.code).toBe(0)
    expect(new Set(pems(opened(calls)).map(file => basename(file)))).toEqual(
      new Set(['fullchain2.pem', 'privkey2.pem']),
    )
    expect(house.service.emulator.entries).toHaveLength(LINEAGES + 1)
  })

  test('a first pass opens each chain and key once, and reads each of their bytes once', async () => {
    const house = await openHouse(LINEAGES)
    const { calls, ended } = await traced(house.folder, ['sync', '--dry-run', ...house.words], house.env)
    expect(ended.code).toBe(0)
    const files = pems(opened(calls))
    expect(files).toHaveLength(2 * LINEAGES)
    expect(new Set(files).size).toBe(2 * LINEAGES)
    const bytes = read(calls)
    for (const file of files) expect([file, bytes.get(file)]).toEqual([file, readFileSync(file).length])
  })
})

/** Stats of chain and key, the lineage's sign, and the receipt's open, stat, read and close: what was seen, rounded up. */
const CALLS = 12
