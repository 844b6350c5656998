/** Daemon, timer, hooks and people may run at the same time, in any number: none takes anything from another. */
import { readdir } from 'node:fs/promises'
import { stdout } from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReceiptStore } from '../../src/receipts/store.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Race, race } from './concurrentRuns.ts'
import { type Result, reportOf } from './program.ts'

const LINEAGES = 200

let raced: Race

/** Eight processes share what processors there are, and the disk. */
const SET_UP = 600_000

beforeAll(async () => {
  raced = await race(await temporaryDirectory(), LINEAGES)
  const { syncs, hooks, emulator } = raced
  stdout.write(
    `  ${syncs.length} passes, ${hooks.length} hooks, ${emulator.entries.length} requests, ${emulator.certificates().length} certificates\n`,
  )
}, SET_UP)

afterAll(() => raced?.emulator.close())

test('every certificate is stored once, and none that was not issued', () => {
  const { renewed, emulator } = raced
  const stored = emulator.certificates().map(({ fingerprint }) => fingerprint)
  expect(stored).toHaveLength(new Set(stored).size)
  const issued = new Set(renewed.flatMap(({ leaves }) => leaves))
  expect(stored.filter(leaf => !issued.has(leaf))).toEqual([])
  expect(emulator.entries.filter(({ certificateId }) => certificateId === undefined)).toEqual([])
})

test('every receipt names the certificate on disk, and before it all that were uploaded, newest first', async () => {
  const { renewed, emulator, stateDir } = raced
  const ids = new Map(emulator.certificates().map(({ fingerprint, id }) => [fingerprint, id]))
  const receipts = await openReceiptStore(stateDir, expect.unreachable, () => new Date()).all()
  const told = receipts.map(({ lineage, uploaded, superseded }) => ({
    lineage,
    leaf: uploaded?.leaf,
    ids: [uploaded, ...superseded].map(upload => upload?.certificateId),
  }))
  const truths = renewed.map(({ id, leaves }) => ({
    lineage: id,
    leaf: leaves.at(-1),
    ids: leaves.flatMap(leaf => ids.get(leaf) ?? []).toReversed(),
  }))
  const wrong = truths.filter(truth => {
    const said = told.find(({ lineage }) => lineage === truth.lineage)
    return JSON.stringify(said) !== JSON.stringify(truth)
  })
  expect(wrong.map(truth => [truth, told.find(({ lineage }) => lineage === truth.lineage)])).toEqual([])
})

test('nothing but the database is left: nothing damaged, nothing half-written', async () => {
  expect((await readdir(raced.stateDir)).sort()).toEqual(['state.db', 'state.db-journal'])
})

/** Mid-change, or set back to an older certificate by whoever moved its links. */
const isDue = ({ lineage, outcome, because, fault }: Result) =>
  outcome === 'failed'
    ? fault?.retry === 'recheck'
    : outcome !== 'refused' ||
      (because === 'older-than-uploaded' &&
        raced.renewed.some(({ id, setBack }) => id === lineage && setBack))

test('passes fail of nothing but a lineage that is mid-change or set back', () => {
  expect(raced.syncs.flatMap(ended => reportOf(ended).results).filter(result => !isDue(result))).toEqual([])
  expect(raced.syncs.filter(({ code }) => ![0, 65, 75].includes(code))).toEqual([])
})

test('hooks end well or ask to be called later, and put nothing on standard error', () => {
  const well = ({ of, ended }: Race['hooks'][number]) =>
    ended.stderr === '' && [0, 75, ...(of.setBack ? [65] : [])].includes(ended.code)
  expect(raced.hooks.filter(hook => !well(hook))).toEqual([])
})

test('the daemon has seen it all and ends well', () => {
  const { code, stdout, stderr } = raced.daemon
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const events = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(events.filter(({ event }) => event === 'uploaded').length).toBeGreaterThan(0)
  expect(events.filter(({ event }) => event === 'state_damaged' || event === 'internal_error')).toEqual([])
})

test('a look at everything when all is quiet finds all of it carried', () => {
  expect(raced.quiet.code).toBe(0)
  const { uploaded, unchanged, ...others } = reportOf(raced.quiet).summary
  expect(uploaded + unchanged).toBe(LINEAGES)
  expect(others).toEqual({ refused: 0, failed: 0, planned: 0 })
})
