/** A run that ends anywhere leaves a state from which the next one finishes, with one record, and nothing in use is deleted. */
import { describe, expect, test } from 'vitest'
import { type Host, type HostOptions, Killed } from '../deploy/account.ts'
import {
  CDN,
  CLB,
  current,
  DAY,
  expectInPlace,
  pairsAsked,
  renewing,
  sent,
  stateOf,
  syncToEnd,
} from '../deploy/renewal.ts'
import { LONG } from './run.ts'

/** Each pause and each second where the run may be long, else some of them. */
const STEP = LONG ? 1 : 9

const RETIRING: HostOptions = { deploy: { retire: 'delete', grace_days: 0, keep: 0 } }

/** Ends a run at its n-th pause; false where it ended before by itself. */
async function isKilledAt(host: Host, n: number, isHurried: boolean): Promise<boolean> {
  let pauses = 0
  const onPause = () => {
    pauses += 1
    if (pauses >= n) throw new Killed()
  }
  try {
    await host.sync({ isHurried, onPause })
    return false
  } catch (error) {
    if (error instanceof Killed) return true
    throw error
  }
}

/** That the service was asked for one thing only, and that nothing that serves has gone. */
async function expectOneRecord(host: Host) {
  await expectInPlace(host)
  expect(host.emulator.jobs()).toHaveLength(1)
  expect(pairsAsked(host)).toHaveLength(1)
  const there = host.emulator.certificates().map(({ id }) => id)
  expect(there).toContain(await current(host))
  for (const body of sent(host, 'DeleteCertificate')) expect(body.IsCheckResource).toBe(true)
}

describe.each([
  ['a sync', false],
  ['a hook', true],
] as const)('%s that is killed', (_, isHurried) => {
  test('at any pause is finished by the next sync, soon or late', async () => {
    let n = 1
    for (; ; n += STEP) {
      const host = await renewing(RETIRING)
      if (!(await isKilledAt(host, n, isHurried))) break
      host.pass([1, 45, 700, 7200][n % 4] ?? 0)
      expect((await syncToEnd(host)).at(-1), `killed at pause ${n}`).toBe('verified')
      await expectOneRecord(host)
      host.pass(DAY)
      await host.sync()
      expect(host.emulator.certificates().map(({ id }) => id)).not.toContain(host.old)
    }
    expect(n).toBeGreaterThan(10)
  })
})

test('killed again and again, each time a little later, it comes to its end', async () => {
  const host = await renewing()
  let kills = 0
  while (await isKilledAt(host, 5 + 3 * kills, false)) {
    kills += 1
    expect(kills).toBeLessThan(30)
  }
  await syncToEnd(host)
  await expectOneRecord(host)
})

test('a hook with any deadline tells 75 and the record, and the next sync finishes', async () => {
  let deadline = 1
  for (; ; deadline += STEP) {
    const host = await renewing()
    const outcome = await host.sync({ isHurried: true, deadline })
    const isDone = stateOf(outcome) === 'verified'
    expect(outcome.replacement?.fault?.exit ?? 0, `${deadline} s`).toBe(isDone ? 0 : 75)
    const { replacement } = await host.receipt()
    const job = replacement?.jobs[0]
    if (replacement?.state === 'running')
      expect(outcome.replacement?.fault?.message).toBe(`record ${job?.recordId} is under way at the service`)
    expect((await syncToEnd(host)).at(-1), `${deadline} s`).toBe('verified')
    await expectOneRecord(host)
    if (isDone) break
  }
  expect(deadline).toBeGreaterThan(100)
})

test('a renewal in the middle of a job waits for it: no second certificate is sent for the same ID', async () => {
  for (const n of [4, 7, 9, 11]) {
    const host = await renewing({ resources: [CDN, CLB] })
    await isKilledAt(host, n, false)
    const first = await current(host)
    await host.renew()
    expect((await syncToEnd(host)).at(-1)).toBe('verified')
    await expectInPlace(host)
    // each pair was asked for only when no job for its older ID was under way
    const isOld = ({ oldCertId }: { readonly oldCertId: string }) => oldCertId === host.old
    expect(host.emulator.jobs().filter(isOld).length).toBeLessThanOrEqual(1)
    const refused = host.emulator.journal.filter(({ code }) => code.endsWith('HasPendingRecord'))
    expect(refused).toEqual([])
    expect(host.emulator.resources().some(({ certId }) => certId === first)).toBe(false)
  }
})

test('a record whose number never arrived is found again by its pair', async () => {
  let isLost = true
  const lost: HostOptions['faults'] = ({ action }) =>
    isLost && action === 'UpdateCertificateInstance' ? 'reset-after' : undefined
  const traps = { duringJob: 'pending', switchFromSeconds: 400, switchToSeconds: 500 } as const
  const host = await renewing({ faults: lost, traps })
  await host.sync({ deadline: 120 })
  expect(host.emulator.jobs()).toMatchObject([{ finished: false }])
  expect((await host.receipt()).replacement?.jobs).toMatchObject([{ from: host.old }])
  expect((await host.receipt()).replacement?.jobs[0]?.recordId).toBeUndefined()
  isLost = false
  expect((await syncToEnd(host)).at(-1)).toBe('verified')
  await expectOneRecord(host)
  expect(host.actions()).toContain('DescribeHostUpdateRecord')
})
