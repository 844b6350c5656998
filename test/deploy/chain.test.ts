/** Which IDs a lineage's current certificate takes the place of, and which never. */
import { describe, expect, test } from 'vitest'
import { chainOf, withBound } from '../../src/deploy/chain.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import { HERE, inDays, NOW, receipt, replacement, superseded, upload } from './receipts.ts'

const chain = (more: Partial<Receipt>, replaces: readonly string[] = [], isInDoubt = false) =>
  chainOf(receipt(more), { replaces }, HERE, isInDoubt)

describe('a chain', () => {
  test('is not there where nothing is uploaded to this endpoint', () => {
    expect(chain({ uploaded: undefined })).toBeUndefined()
    expect(chain({ uploaded: upload('new', { endpoint: 'ssl.intl.tencentcloudapi.com' }) })).toBeUndefined()
  })

  test('has every older generation until it is known to be bound nowhere', () => {
    const all = [
      superseded('third'),
      superseded('second', { bound: 'yes' }),
      superseded('first', { bound: 'no' }),
    ]
    expect(chain({ superseded: all })).toMatchObject({ older: ['third', 'second'], unknown: ['third'] })
  })

  test.each([
    ['was deleted', { deletedAt: inDays(-1) }],
    ['is of the other site', { endpoint: 'ssl.intl.tencentcloudapi.com' }],
    ['is the current one', { certificateId: 'new' }],
    ['begins later and ends no sooner: it is newer', { notBefore: inDays(-1), notAfter: inDays(60) }],
    ['is bound nowhere', { bound: 'no' as const }],
  ])('has none that %s', (_, more) => {
    expect(chain({ superseded: [superseded('old', more)] })?.older).toEqual([])
  })

  test.each([
    ['of a receipt without dates', { notBefore: undefined, leaf: undefined, endpoint: undefined }],
    ['that ends later, as a 90-day one before a six-day one', { notAfter: inDays(80) }],
    ['that may return', { mayReturn: true as const }],
  ])('has one %s', (_, more) => {
    const { notBefore: _b, leaf: _l, endpoint: _e, ...rest } = { ...superseded('old'), ...more }
    const defined = Object.fromEntries(
      Object.entries({ ...superseded('old'), ...more }).filter(([, v]) => v !== undefined),
    )
    expect(chain({ superseded: [{ ...rest, ...defined } as never] })?.older).toEqual(['old'])
  })

  test('has the IDs that the configuration names, after its own, each once and never the current one', () => {
    expect(chain({}, ['before', 'old', 'new', 'before'])?.older).toEqual(['old', 'before'])
  })

  test('has a named one no more once it is bound nowhere, until the next certificate', () => {
    const unbound = replacement({ unbound: ['before'] })
    expect(chain({ replacement: unbound }, ['before'])?.older).toEqual(['old'])
    expect(chain({ replacement: { ...unbound, to: 'other' } }, ['before'])?.older).toEqual(['old', 'before'])
    expect(chain({ replacement: unbound }, ['before'], true)?.older).toEqual(['old', 'before'])
  })

  test('does not search again and again for a named one that stays where nothing is replaced', () => {
    const left = replacement({ left: ['before'] })
    expect(chain({ replacement: left }, ['before'])).toMatchObject({
      older: ['old', 'before'],
      unknown: ['old'],
    })
    expect(chain({ replacement: left }, ['before'], true)?.unknown).toContain('before')
    expect(chain({ replacement: { ...left, to: 'other' } }, ['before'])?.unknown).toContain('before')
  })

  test('in doubt has what was bound nowhere too, of many the newest', () => {
    const all = Array.from({ length: 50 }, (_, i) => superseded(`s${i}`, { bound: 'no' }))
    expect(chain({ superseded: all })?.older).toEqual([])
    expect(chain({ superseded: all }, [], true)?.older).toEqual(
      all.slice(0, 20).map(({ certificateId }) => certificateId),
    )
  })

  test('knows the leaves of all before, also of those that are gone', () => {
    const all = [superseded('a', { bound: 'no' }), superseded('b', { deletedAt: inDays(-1) })]
    expect(chain({ superseded: all })?.earlierLeaves).toEqual(new Set(['leaf-a', 'leaf-b']))
  })

  test('knows the latest end of what may still serve', () => {
    const all = [
      superseded('a', { notAfter: inDays(5) }),
      superseded('b', { notAfter: inDays(9) }),
      superseded('c', { notAfter: inDays(20), bound: 'no' }),
    ]
    expect(chain({ superseded: all })?.notAfter).toEqual(new Date(inDays(9)))
    expect(chain({ superseded: [] })?.notAfter).toBeUndefined()
  })
})

test('what a survey found is recorded with its time, and nothing else changes', () => {
  const before = receipt({ superseded: [superseded('a'), superseded('b')] })
  const after = withBound(
    before,
    new Map([
      ['b', 'no'],
      ['x', 'yes'],
    ]),
    NOW,
  )
  expect(after.superseded).toEqual([
    superseded('a'),
    { ...superseded('b'), bound: 'no', boundAt: NOW.toISOString() },
  ])
  expect({ ...after, superseded: [] }).toEqual({ ...before, superseded: [] })
})
