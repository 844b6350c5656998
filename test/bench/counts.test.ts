/** What a look costs, in counts: what has not changed is not opened, not read, and nobody is asked about it. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { below, hasStrace, opened, read, traced } from '../../bench/counted.ts'
import { aged, type House, openHouse, unchangedHook, uploaded } from '../../bench/countsFixture.ts'
import { startDaemon } from '../../bench/daemon.ts'
import { BUILT } from '../../bench/programs.ts'
import { renewTree } from '../../bench/trees.ts'

const LINEAGES = 20

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
  }, 60_000)

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

/** The link, chain and key are asked for; the receipt is opened, asked and read to its end. */
const CALLS = 7

test('a daemon sets one watch for each lineage and one for the folder, and asks nobody when nothing has changed', async () => {
  const house = await openHouse(LINEAGES)
  await uploaded(house)
  const daemon = await startDaemon([...BUILT, 'watch', ...house.words], '"event":"watching"', house.env)
  onTestFinished(daemon.end)
  expect(daemon.watches()).toBeGreaterThan(0)
  expect(daemon.watches()).toBeLessThanOrEqual(LINEAGES + 2)
  expect(house.service.emulator.entries).toHaveLength(LINEAGES)
})
