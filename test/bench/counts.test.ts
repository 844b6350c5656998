/** What a check costs, in counts: unchanged files are not opened, and nothing is sent for them. */

import { basename } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasStrace, opened, traced } from '../../bench/counted.ts'
import { aged, openHouse, unchangedHook, uploaded } from '../../bench/countsFixture.ts'
import { startDaemon } from '../../bench/daemon.ts'
import { used } from '../../bench/process.ts'
import { BUILT } from '../../bench/programs.ts'
import { derivations } from '../../bench/rows/signature.ts'
import { renewTree, writeSparseTree } from '../../bench/trees.ts'

const LINEAGES = 20

const pems = (files: readonly string[]) => files.filter(file => file.endsWith('.pem'))

// strace is not on every machine
describe.skipIf(!hasStrace)('system calls', () => {
  test('a hook for an unchanged certificate opens no certificate and no connection', async () => {
    const { house, env } = await unchangedHook()
    const { calls, ended } = await traced(house.folder, ['hook'], env)
    expect(ended.code).toBe(0)
    expect(pems(opened(calls))).toEqual([])
    expect(calls.filter(({ name }) => name === 'connect')).toEqual([])
  })

  test('an unchanged run asks for two files of each lineage, and lists two folders for all of them', async () => {
    const house = await openHouse(LINEAGES)
    await uploaded(house)
    const { calls, ended } = await traced(house.folder, ['sync', ...house.words], house.env)
    expect(ended.code).toBe(0)
    const asked = calls
      .filter(({ args }) => args[1]?.text?.startsWith(`${house.root}/`))
      .map(({ name }) => name)
    expect(asked.filter(name => name === 'statx')).toHaveLength(2 * LINEAGES)
    expect(asked.filter(name => name !== 'statx')).toEqual(['openat', 'openat'])
  })

  test('a run after one renewal reads that pair, no other, and sends one request', async () => {
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

  test('a first run opens each chain and key once', async () => {
    const house = await openHouse(LINEAGES)
    const { calls, ended } = await traced(house.folder, ['sync', '--dry-run', ...house.words], house.env)
    expect(ended.code).toBe(0)
    const files = pems(opened(calls))
    expect(files).toHaveLength(2 * LINEAGES)
    expect(new Set(files).size).toBe(2 * LINEAGES)
  })
})

test('a first run over thousands needs memory for what is under way, not for all', async () => {
  const house = await openHouse(1)
  const certificates = await house.pool.fresh(LINEAGES)
  writeSparseTree(`${house.folder}/many`, 2_000, certificates)
  const many = ['--source', `certbot=${house.folder}/many`]
  const { memory } = await used([...BUILT, 'sync', '--dry-run', ...many], { env: house.env })
  // 197 MiB where the young generation grows as V8 would have it; of these 42 are Node's
  expect(memory).toBeLessThan(160)
})

test('a daemon sets one watch for each lineage and one for the folder, and sends nothing when nothing has changed', async () => {
  const house = await openHouse(LINEAGES)
  await uploaded(house)
  const daemon = await startDaemon([...BUILT, 'watch', ...house.words], ' watching: ', house.env)
  onTestFinished(daemon.end)
  expect(daemon.watches()).toBeGreaterThan(0)
  expect(daemon.watches()).toBeLessThanOrEqual(LINEAGES + 2)
  expect(house.service.emulator.entries).toHaveLength(LINEAGES)
})

test('a thousand requests of one day derive the signing key once', () => {
  expect(derivations(1_000)).toBe(1)
})
