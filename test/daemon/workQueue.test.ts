import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckResult, createWorkQueue, requeueAfter } from '../../src/daemon/workQueue.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import type { RefuseReason } from '../../src/upload/decision.ts'
import type { Verdict } from '../../src/upload/outcome.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { virtualClock } from '../fixtures/virtualClock.ts'

interface Check {
  readonly ms: number
  readonly result: 'done' | 'mid-change' | 'later'
}

interface Entry {
  readonly what: 'request' | 'start' | 'end' | 'stale'
  readonly id: string
  readonly at: number
  readonly last?: boolean
}

const AT_ONCE: Check = { ms: 0, result: 'done' }
const LATER = 5_000

/** A work queue on virtual time, and a journal of what happens. `next` says how the next check goes. */
function openQueue(next: (id: string) => Check = () => AT_ONCE) {
  const clock = virtualClock()
  const journal: Entry[] = []
  const note = (what: Entry['what'], id: string, rest: Partial<Entry> = {}) =>
    void journal.push({ what, id, at: clock.now(), ...rest })
  const queue = createWorkQueue({
    now: clock.now,
    setTimer: (ms, call) => {
      const off = new AbortController()
      clock.wait(ms, off.signal).then(call, () => {})
      return () => off.abort()
    },
    onStale: id => note('stale', id),
    check: async (id, last): Promise<CheckResult> => {
      note('start', id, { last })
      const { ms, result } = next(id)
      if (ms > 0) await clock.wait(ms)
      note('end', id)
      return result === 'later' ? { afterMs: LATER } : result
    },
  })
  const request = (...ids: readonly string[]) => {
    for (const id of ids) note('request', id)
    queue.enqueue(ids)
  }
  /** Advances the clock until nothing waits for it. */
  const idle = () => expect(clock.until(new Promise(() => {}))).rejects.toThrow('nothing waits')
  const times = (what: Entry['what'], id = 'a') =>
    journal.filter(entry => entry.what === what && entry.id === id).map(({ at }) => at)
  return { clock, journal, queue, request, idle, times }
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`)

describe('request', () => {
  test('one or several within milliseconds cause one check', async () => {
    const { request, clock, idle, times } = openQueue()
    for (let i = 0; i < 10; i++) {
      request('a')
      clock.advance(1)
    }
    await idle()
    expect(times('start')).toHaveLength(1)
    expect(times('start')[0]).toBeLessThanOrEqual(20)
  })

  test('requests during a check cause one more, which starts when the first has ended', async () => {
    const { request, clock, idle, times } = openQueue(() => ({ ms: 1_000, result: 'done' }))
    request('a')
    await clock.until(clock.wait(500))
    for (let i = 0; i < 3; i++) request('a')
    await idle()
    expect(times('start')).toEqual([15, 1_015])
  })

  test('a check does not wait for that of another lineage', async () => {
    const { request, idle, times } = openQueue(id => ({ ms: id === 'a' ? 60_000 : 0, result: 'done' }))
    request('a', 'b')
    await idle()
    expect(times('start', 'b')).toEqual([15])
  })
})

test('work queue: at most 256 checks run at once, and the others follow', async () => {
  const { request, idle, journal } = openQueue(() => ({ ms: 100, result: 'done' }))
  request(...names(600))
  await idle()
  expect(mostAtOnce(journal)).toBe(256)
  expect(journal.filter(({ what }) => what === 'end')).toHaveLength(600)
})

describe('lineage that stays mid-change', () => {
  test('it is checked after 250 ms to 4 s, once more after a minute, and reported once after ten minutes', async () => {
    const { request, idle, times, journal, queue } = openQueue(() => ({ ms: 0, result: 'mid-change' }))
    request('a')
    await idle()
    const checks = times('start')
    expect(checks.slice(1).map((at, i) => at - (checks[i] ?? 0))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 61_000,
    ])
    expect(journal.filter(({ last }) => last).map(({ at }) => at)).toEqual(checks.slice(-2))
    expect(times('stale')).toEqual([600_015])
    expect(queue.pending()).toBe(1)

    request('a')
    await idle()
    expect(times('start')).toHaveLength(14)
    expect(times('stale')).toHaveLength(1)
  })
})

test('work queue: a delayed check starts after its delay, or when it is requested', async () => {
  const checks: Check[] = [{ ms: 0, result: 'later' }, { ms: 0, result: 'later' }, AT_ONCE]
  const { request, idle, times, clock } = openQueue(() => checks.shift() ?? AT_ONCE)
  request('a')
  await clock.until(clock.wait(1_000))
  request('a')
  await idle()
  expect(times('start')).toEqual([15, 1_015, 1_015 + LATER])
})

test('work queue: a lineage that left the disk is not checked, and not twice at once when it comes back', async () => {
  const { request, idle, times, queue, clock } = openQueue(() => ({ ms: 1_000, result: 'done' }))
  request('a', 'b')
  queue.retain(new Set(['a']))
  await clock.until(clock.wait(100))
  queue.retain(new Set())
  request('a')
  await idle()
  expect(times('start', 'b')).toEqual([])
  expect(times('start')).toEqual([15, 1_015])
})

test('work queue: a certificate that is mid-change for ten minutes is reported again only after it was complete in between', async () => {
  const results: Check['result'][] = ['done']
  const { request, idle, times, queue } = openQueue(() => ({
    ms: 0,
    result: results.shift() ?? 'mid-change',
  }))
  results.unshift(...Array.from({ length: 7 }, () => 'mid-change' as const))
  request('a')
  await idle()
  expect([times('stale').length, queue.pending()]).toEqual([1, 1])
  request('a')
  await idle()
  expect(queue.pending()).toBe(0)
  request('a')
  await idle()
  expect([times('stale').length, queue.pending()]).toEqual([2, 1])
})

test('work queue: a certificate that left the disk is not reported as mid-change, and does not return with the end of its check', async () => {
  const { request, idle, times, queue, clock } = openQueue(() => ({ ms: 1_000, result: 'mid-change' }))
  request('a')
  await clock.until(clock.wait(100))
  queue.retain(new Set())
  await idle()
  expect([times('start'), times('stale'), queue.pending()]).toEqual([[15], [], 0])
})

test('work queue: a request during a check that has to wait causes one more at once', async () => {
  const checks: Check[] = [{ ms: 1_000, result: 'later' }, AT_ONCE]
  const { request, idle, times, clock } = openQueue(() => checks.shift() ?? AT_ONCE)
  request('a')
  await clock.until(clock.wait(100))
  request('a')
  await idle()
  expect(times('start')).toEqual([15, 1_015])
})

describe('stop', () => {
  test('it starts no more checks and waits for those under way', async () => {
    const { request, idle, times, queue, clock } = openQueue(() => ({ ms: 1_000, result: 'mid-change' }))
    request('a')
    await clock.until(clock.wait(100))
    request('a', 'b')
    await clock.until(queue.stop())
    expect(times('end')).toEqual([1_015])
    request('c')
    await idle()
    expect([times('start'), times('start', 'b'), times('start', 'c')]).toEqual([[15], [], []])
  })

  test('with nothing under way it ends at once and leaves no timer', async () => {
    const { request, queue, idle, journal } = openQueue()
    request('a')
    await queue.stop()
    await idle()
    expect(journal.filter(({ what }) => what === 'start')).toEqual([])
  })
})

describe('any order of requests, checks and results', () => {
  const anyCheck = fc.record({
    ms: fc.nat(3_000),
    result: fc.constantFrom<Check['result']>('done', 'done', 'mid-change', 'later'),
  })
  const someNames = fc.oneof(fc.subarray(names(4), { minLength: 1 }), fc.constant(names(90)))
  const script = fc.array(fc.record({ gap: fc.oneof(fc.nat(30), fc.nat(5_000)), ids: someNames }), {
    minLength: 1,
    maxLength: 12,
  })

  test('no request is lost, no two checks of a lineage overlap, at most 256 run at once', async () => {
    const property = fc.asyncProperty(
      script,
      fc.array(anyCheck, { maxLength: 300 }),
      async (acts, checks) => {
        const left = [...checks]
        const { request, clock, idle, journal } = openQueue(() => left.shift() ?? AT_ONCE)
        for (const { gap, ids } of acts) {
          if (gap > 0) await clock.until(clock.wait(gap))
          request(...ids)
        }
        await idle()
        expect(lost(journal)).toEqual([])
        expect(overlapping(journal)).toEqual([])
        expect(mostAtOnce(journal)).toBeLessThanOrEqual(256)
      },
    )
    await fc.assert(property, { numRuns: 60 })
  })
})

describe('requeueAfter', () => {
  const NOW = Date.parse('2026-06-01T00:00:00Z')
  const DAY = 86_400_000
  const TOMORROW = new Date(NOW + DAY)
  const failed = (code: FaultCode): Verdict => ({ outcome: 'failed', fault: new Fault(code, 'no') })
  const refused = (because: RefuseReason): Verdict => ({
    outcome: 'refused',
    because,
    fault: new Fault('NOT_YET_VALID', 'no'),
  })

  test.each<[string, Verdict, CheckResult]>([
    ['unchanged', { outcome: 'unchanged', because: 'unchanged', certificateId: 'ID1' }, 'done'],
    ['a wait until tomorrow', { outcome: 'waiting', until: TOMORROW }, { afterMs: DAY }],
    ['a failed upload: the receipt has the time of the next', failed('NETWORK'), { afterMs: 1_000 }],
    ['an ID that could not be recorded', failed('UPLOAD_NOT_RECORDED'), { afterMs: 60_000 }],
    ['an unusable state directory', failed('STATE_DIR_UNUSABLE'), { afterMs: 60_000 }],
    ['a certificate that is valid from tomorrow', refused('not-yet-valid'), { afterMs: DAY }],
    ['an older certificate', refused('older-than-uploaded'), 'done'],
    ...(['CERTIFICATE_INVALID', 'API_REJECTED', 'FILE_INVALID'] as const).map(
      (code): [string, Verdict, CheckResult] => [code, failed(code), 'done'],
    ),
    ...(['PAIR_INCOMPLETE', 'KEY_MISMATCH', 'CHAIN_INCOMPLETE', 'FILE_MISSING'] as const).map(
      (code): [string, Verdict, CheckResult] => [code, failed(code), 'mid-change'],
    ),
  ])('%s', async (_, verdict, expected) => {
    const bundle = await bundleOf({ notBefore: TOMORROW })
    expect(requeueAfter({ ...verdict, lineage: 'a', elapsedMs: 1, bundle }, NOW, undefined)).toEqual(expected)
  })

  test('unreadable files are retried each minute, paused uploads at the end of the pause', () => {
    const after = (code: FaultCode, openUntil?: number) =>
      requeueAfter({ ...failed(code), lineage: 'a', elapsedMs: 1 }, NOW, openUntil)
    expect(after('FILE_UNREADABLE')).toEqual({ afterMs: 60_000 })
    expect(after('UPLOADS_PAUSED', TOMORROW.getTime())).toEqual({ afterMs: DAY })
  })
})

/** Requests after which no check of their lineage starts. */
const lost = (journal: readonly Entry[]) =>
  journal.filter(
    ({ what, id }, i) =>
      what === 'request' && !journal.slice(i).some(entry => entry.what === 'start' && entry.id === id),
  )

/** Checks that start before the last one of the same lineage has ended. */
function overlapping(journal: readonly Entry[]) {
  const under = new Set<string>()
  return journal.filter(({ what, id }) => {
    const twice = what === 'start' && under.has(id)
    if (what === 'start') under.add(id)
    if (what === 'end') under.delete(id)
    return twice
  })
}

function mostAtOnce(journal: readonly Entry[]) {
  let [now, most] = [0, 0]
  for (const { what } of journal) {
    if (what === 'start') now++
    if (what === 'end') now--
    most = Math.max(most, now)
  }
  return most
}
