/** Daemon, sync and hooks run at the same time, in any number: none loses what another has done. */
import { readdir } from 'node:fs/promises'
import { stdout } from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { receiptsIn } from '../fixtures/state.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type ConcurrentRuns, runConcurrently } from './concurrentRuns.ts'
import { type Result, reportOf } from './program.ts'

const LINEAGES = 200

let runs: ConcurrentRuns

/** Eight processes share the processors and the disk. */
const SET_UP = 600_000

beforeAll(async () => {
  runs = await runConcurrently(await temporaryDirectory(), LINEAGES)
  const { syncs, hooks, emulator } = runs
  stdout.write(
    `  ${syncs.length} syncs, ${hooks.length} hooks, ${emulator.entries.length} requests, ${emulator.certificates().length} certificates\n`,
  )
}, SET_UP)

afterAll(() => runs?.emulator.close())

test('every certificate is stored once, and none that was not issued', () => {
  const { renewed, emulator } = runs
  const stored = emulator.certificates().map(({ fingerprint }) => fingerprint)
  expect(stored).toHaveLength(new Set(stored).size)
  const issued = new Set(renewed.flatMap(({ leaves }) => leaves))
  expect(stored.filter(leaf => !issued.has(leaf))).toEqual([])
  expect(emulator.entries.filter(({ certificateId }) => certificateId === undefined)).toEqual([])
})

test('every receipt names the certificate on disk, and before it all uploaded ones, newest first', async () => {
  const { renewed, emulator, stateDir } = runs
  const ids = new Map(emulator.certificates().map(({ fingerprint, id }) => [fingerprint, id]))
  const recorded = (await receiptsIn(stateDir)).map(({ lineage, uploaded, superseded }) => ({
    lineage,
    leaf: uploaded?.leaf,
    ids: [uploaded, ...superseded].map(upload => upload?.certificateId),
  }))
  const expected = renewed.map(({ id, leaves }) => ({
    lineage: id,
    leaf: leaves.at(-1),
    ids: leaves.flatMap(leaf => ids.get(leaf) ?? []).toReversed(),
  }))
  const wrong = expected.filter(one => {
    const found = recorded.find(({ lineage }) => lineage === one.lineage)
    return JSON.stringify(found) !== JSON.stringify(one)
  })
  expect(wrong.map(one => [one, recorded.find(({ lineage }) => lineage === one.lineage)])).toEqual([])
})

test('the state directory holds the database alone: nothing damaged, nothing half-written', async () => {
  expect((await readdir(runs.stateDir)).sort()).toEqual(['state.db', 'state.db-journal'])
})

/** Mid-change, or with its links set back to an older certificate. */
const isExpected = ({ lineage, outcome, because, fault }: Result) =>
  outcome === 'failed'
    ? fault?.retry === 'recheck'
    : outcome !== 'refused' ||
      (because === 'older-than-uploaded' && runs.renewed.some(({ id, setBack }) => id === lineage && setBack))

test('sync fails only for a lineage that is mid-change or set back', () => {
  expect(runs.syncs.flatMap(ended => reportOf(ended).results).filter(result => !isExpected(result))).toEqual(
    [],
  )
  expect(runs.syncs.filter(({ code }) => ![0, 65, 75].includes(code))).toEqual([])
})

test('hooks end with 0 or 75, and print nothing on standard error', () => {
  const isExpectedHook = ({ of, ended }: ConcurrentRuns['hooks'][number]) =>
    ended.stderr === '' && [0, 75, ...(of.setBack ? [65] : [])].includes(ended.code)
  expect(runs.hooks.filter(hook => !isExpectedHook(hook))).toEqual([])
})

test('the daemon logs no error of its own and ends with 0', () => {
  const { daemon, daemonExit } = runs
  expect(daemonExit).toBe(0)
  const events = daemon.said()
  expect(daemon.output().trim().split('\n')).toHaveLength(events.length)
  expect(events.filter(({ event }) => event === 'uploaded').length).toBeGreaterThan(0)
  expect(events.filter(({ event }) => event === 'state_damaged' || event === 'internal_error')).toEqual([])
})

test('a sync at the end finds everything uploaded', () => {
  expect(runs.last.code).toBe(0)
  const { uploaded, unchanged, ...others } = reportOf(runs.last).summary
  expect(uploaded + unchanged).toBe(LINEAGES)
  expect(others).toMatchObject({ refused: 0, failed: 0, planned: 0 })
})
