/** What a recorded replacement means: whether something is left to do, and for what exit code. */
import { describe, expect, test } from 'vitest'
import { deploySettings } from '../../src/config/deploy.ts'
import { chainOf } from '../../src/deploy/chain.ts'
import {
  currentReplacement,
  faultOf,
  isDue,
  isHeld,
  mergeResources,
  partlyReason,
} from '../../src/deploy/state.ts'
import {
  type BoundResource,
  countsOf,
  enter,
  type Job,
  REPLACEMENT_STATES,
  type ReplacementState,
  replacementFrom,
} from '../../src/receipts/replacement.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { HERE, inDays, NOW, receipt, replacement, superseded } from './receipts.ts'

const JOB: Job = {
  ...{ from: 'old', to: 'new', types: ['cdn'], regions: { clb: ['ap-a'] }, askedAt: inDays(0) },
  ...{ recordId: '8591698084', total: 3, done: 1, failures: [] },
}

const FAILURE = {
  type: 'cdn',
  region: '',
  instance: 'a.example.com',
  domains: ['a.example.com'],
  message: 'no',
}

const ENDED = { ...JOB, endedAt: inDays(0) }

const chainWith = (bound: 'no' | 'yes' | 'unknown') => {
  const found = chainOf(
    receipt({ superseded: [superseded('old', bound === 'unknown' ? {} : { bound })] }),
    { replaces: [] },
    HERE,
  )
  return found ?? expect.unreachable()
}

const lineage = (verify = true) => ({ deploy: deploySettings({ verify }) }) as Lineage

describe('something is left to do', () => {
  const due = (
    more: Parameters<typeof replacement>[0],
    bound: Parameters<typeof chainWith>[0] = 'no',
    options = {},
  ) => isDue(replacement(more), chainWith(bound), lineage(), NOW, { force: false, ...options })

  const FINISHED: readonly ReplacementState[] = ['none', 'nothing-bound', 'verified']

  test.each(REPLACEMENT_STATES.map(state => [state] as const))('in state %s', state => {
    const isFinished = FINISHED.includes(state) || state === 'held'
    expect(due({ state })).toBe(!isFinished)
    // an ID of which nothing is known is looked for, except where an operator holds it
    expect(due({ state }, 'unknown')).toBe(state !== 'held')
    // an excluded product keeps its certificate
    expect(due({ state }, 'yes')).toBe(!isFinished)
    expect(due({ state, jobs: [JOB] })).toBe(true)
    expect(due({ state, jobs: [ENDED] })).toBe(!isFinished)
    expect(due({ state }, 'no', { force: true })).toBe(true)
    expect(due({ state }, 'no', { isNow: true })).toBe(state !== 'held')
  })

  test('for a daemon only when its time has come, for a person at once', () => {
    const waiting = { state: 'partly', nextCheckAt: inDays(1) } as const
    expect(due(waiting, 'yes', { honourNextCheck: true })).toBe(false)
    expect(due(waiting, 'yes')).toBe(true)
    expect(due({ ...waiting, nextCheckAt: NOW.toISOString() }, 'yes', { honourNextCheck: true })).toBe(true)
    // a job that is under way is followed
    expect(due({ ...waiting, jobs: [JOB] }, 'yes', { honourNextCheck: true })).toBe(true)
  })

  test('where a gate holds it, and not where an operator does', () => {
    expect(due({ state: 'held', nextCheckAt: inDays(-1) })).toBe(true)
    expect(due({ state: 'held' })).toBe(false)
    expect(isHeld(replacement({ state: 'held', nextCheckAt: inDays(-1) }))).toBe(false)
  })

  test('nothing after it was replaced, where nothing is to be verified', () => {
    const replaced = replacement({ state: 'replaced' })
    expect(isDue(replaced, chainWith('no'), lineage(false), NOW, { force: false })).toBe(false)
    expect(isDue(replaced, chainWith('no'), lineage(true), NOW, { force: false })).toBe(true)
  })
})

test('a renewal begins anew and forgets no job that is under way', () => {
  const before = replacement({ to: 'earlier', state: 'verified', jobs: [JOB, ENDED], replacedAt: inDays(-9) })
  const next = currentReplacement(receipt({ replacement: before }), chainWith('no'), NOW)
  expect(next).toMatchObject({ to: 'new', state: 'surveying', jobs: [JOB], resources: [], handshakes: [] })
  expect(next.replacedAt).toBeUndefined()
  const same = replacement({ state: 'verified' })
  expect(currentReplacement(receipt({ replacement: same }), chainWith('no'), NOW)).toBe(same)
})

test.each([
  ['none', undefined],
  ['surveying', 75],
  ['nothing-bound', undefined],
  ['uncovered', 65],
  ['untrusted', 65],
  ['asked', 75],
  ['running', 75],
  ['foreign', 75],
  ['partly', 69],
  ['replaced', undefined],
  ['verified', undefined],
  ['unverified', undefined],
  ['stale', 69],
] as const)('%s ends with %j', (state, exit) => {
  expect(faultOf(replacement({ state }))?.exit).toBe(exit)
})

test('held by a gate ends with 65, by an operator with 0; a missing right or role with 77', () => {
  expect(faultOf(replacement({ state: 'held', nextCheckAt: inDays(1) }))?.exit).toBe(65)
  expect(faultOf(replacement({ state: 'held' }))).toBeUndefined()
  for (const code of ['API_FORBIDDEN', 'API_ROLE_MISSING'])
    expect(faultOf(replacement({ state: 'surveying', code, reason: 'why' }))).toMatchObject({
      code,
      exit: 77,
    })
  expect(faultOf(replacement({ state: 'running', jobs: [JOB] }))?.message).toContain('8591698084')
})

test('entering a state drops what belonged to the one before, and keeps when it began', () => {
  const before = replacement({
    state: 'partly',
    reason: 'r',
    advice: 'a',
    code: 'c',
    nextCheckAt: inDays(1),
    since: inDays(-3),
  })
  const after = enter(before, 'surveying', NOW)
  expect(after).toMatchObject({ state: 'surveying', since: NOW.toISOString(), startedAt: before.startedAt })
  for (const member of ['reason', 'advice', 'code', 'nextCheckAt'] as const)
    expect(after[member]).toBeUndefined()
  expect(enter(before, 'partly', NOW).since).toBe(before.since)
})

const bound = (more: Partial<BoundResource> = {}): BoundResource => ({
  ...{ certificateId: 'old', type: 'cdn', region: '', instance: 'a.example.com', domains: ['a.example.com'] },
  ...more,
})

test('a resource is known once, with the ID that it has now', () => {
  const merged = mergeResources([bound(), bound({ type: 'clb' })], [bound({ certificateId: 'older' })])
  expect(merged).toEqual([bound({ certificateId: 'older' }), bound({ type: 'clb' })])
})

test('what is left is named with its host, its ID and the service’s message, of many the first', () => {
  const failed = replacement({ jobs: [{ ...ENDED, failures: [FAILURE] }] })
  expect(partlyReason(failed, [bound()]).reason).toBe('cdn a.example.com a.example.com still uses old (no)')
  expect(
    partlyReason(
      failed,
      Array.from({ length: 5 }, () => bound({ type: 'waf' })),
    ).reason,
  ).toMatch(/; and 2 more$/)
})

test('counts are those of the current certificate: what a job left is part of the next one', () => {
  const first = { ...ENDED, total: 3, done: 2, failures: [FAILURE] }
  const second = { ...ENDED, total: 1, done: 1 }
  const other = { ...ENDED, from: 'older', total: 2, done: 2 }
  const foreign = { ...ENDED, to: 'earlier', total: 9, done: 9 }
  expect(countsOf({ to: 'new', jobs: [second, first, other, foreign] })).toEqual({
    total: 5,
    done: 5,
    failed: 0,
  })
  expect(countsOf({ to: 'new', jobs: [first] })).toEqual({ total: 3, done: 2, failed: 1 })
  expect(countsOf({ to: 'new', jobs: [] })).toEqual({ total: 0, done: 0, failed: 0 })
})

describe('a recorded replacement', () => {
  const whole = replacement({
    ...{
      state: 'partly',
      replacedAt: inDays(0),
      resources: [bound()],
      unbound: ['x'],
      left: ['y'],
      firstRoundAt: inDays(0),
    },
    jobs: [{ ...ENDED, failures: [FAILURE], retried: true }],
    handshakes: [{ name: 'a.example.com', address: '192.0.2.1:443', leaf: 'old', detail: 'why' }],
    ...{ reason: 'r', advice: 'a', code: 'c', nextCheckAt: inDays(1), attempts: 2 },
  })

  test('is read as it was written', () => {
    expect(replacementFrom(JSON.parse(JSON.stringify(whole)))).toEqual(whole)
    expect(replacementFrom(JSON.parse(JSON.stringify(replacement())))).toEqual(replacement())
  })

  test('of any other form is none: every member, at every depth, with every kind of value', () => {
    const wrong = [null, 7, -1, 1.5, true, 'x', '', [], {}, [null], [[]], ['x'], { x: 1 }]
    const paths = pathsOf(whole)
    expect(paths.length).toBeGreaterThan(40)
    for (const path of paths)
      for (const value of wrong) {
        const read = replacementFrom(changed(whole, path, value))
        // whatever is accepted can be used by all that read it
        if (!read) continue
        expect(
          () => {
            faultOf(read)
            countsOf(read)
            partlyReason(read, read.resources)
            mergeResources(read.resources, [])
            enter(read, 'verified', NOW)
            isDue(read, chainWith('no'), lineage(), NOW, { force: false })
          },
          `${path.join('.')} = ${JSON.stringify(value)}`,
        ).not.toThrow()
      }
    for (const value of wrong) expect(replacementFrom(value)).toBeUndefined()
  })
})

type Path = readonly (string | number)[]

function pathsOf(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [
    ...(at.length ? [at] : []),
    ...Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...at, key])),
  ]
}

function changed(value: unknown, [key, ...rest]: Path, to: unknown): unknown {
  if (key === undefined) return to
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
  copy[key] = changed(copy[key], rest, to)
  return copy
}
