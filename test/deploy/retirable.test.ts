/** What may be silenced and deleted: each condition alone keeps it. */
import { describe, expect, test } from 'vitest'
import { deploySettings } from '../../src/config/deploy.ts'
import { retirable } from '../../src/deploy/retire.ts'
import type { Receipt, Superseded } from '../../src/receipts/receipt.ts'
import { REPLACEMENT_STATES, type Replacement } from '../../src/receipts/replacement.ts'
import { inDays, NOW, receipt, replacement, superseded, upload } from './receipts.ts'

const FREE: Partial<Superseded> = {
  bound: 'no',
  reused: false,
  supersededAt: inDays(-30),
  notAfter: inDays(30),
}

interface Change {
  readonly old?: Partial<Superseded>
  readonly replacement?: Partial<Replacement>
  readonly receipt?: Partial<Receipt>
  readonly deploy?: Parameters<typeof deploySettings>[0]
  readonly others?: readonly Receipt[]
}

function retired({
  old = {},
  replacement: state = {},
  receipt: more = {},
  deploy = {},
  others = [],
}: Change) {
  const own = receipt({
    superseded: [superseded('previous', FREE), superseded('old', { ...FREE, ...old })],
    replacement: replacement({ state: 'verified', ...state }),
    ...more,
  })
  const settings = deploySettings({ retire: 'delete', ...deploy })
  const { silence, remove } = retirable(own, [own, ...others], { deploy: settings }, NOW)
  return { silence: silence.includes('old'), remove: remove.includes('old') }
}

const other = (more: Partial<Receipt>) => receipt({ lineage: 'certbot:b', superseded: [], ...more })

describe('an older certificate', () => {
  test('that this host made, that nothing uses, that is of age and not the way back, goes', () => {
    expect(retired({})).toEqual({ silence: true, remove: true })
  })

  const both: ReadonlyArray<readonly [string, Change]> = [
    ['is kept where nothing is asked for', { deploy: { retire: 'keep' } }],
    ['that is bound', { old: { bound: 'yes' } }],
    ['of which it is not known where it is bound', { old: { bound: undefined } as never }],
    ['that is deleted already', { old: { deletedAt: inDays(-1) } }],
    ['of the other site', { old: { endpoint: 'ssl.intl.tencentcloudapi.com' } }],
    ['that is current again', { receipt: { uploaded: upload('old') }, replacement: { to: 'old' } }],
    ['that is another lineage’s current one', { others: [other({ uploaded: upload('old') })] }],
    [
      'that another lineage has where it may be bound',
      { others: [other({ superseded: [superseded('old', { bound: 'yes' })] })] },
    ],
    ['that another lineage has and does not know', { others: [other({ superseded: [superseded('old')] })] }],
    ['where another certificate was put in place last', { replacement: { to: 'previous' } }],
    ['where nothing is uploaded', { receipt: { uploaded: undefined } }],
  ]
  test.each(both)('%s: neither silenced nor deleted', (_, change) => {
    expect(retired(change)).toEqual({ silence: false, remove: false })
  })

  const kept: ReadonlyArray<readonly [string, Change]> = [
    ['where silence is asked for', { deploy: { retire: 'silence' } }],
    ['that was there before this host', { old: { reused: true } }],
    ['of which that is not known', { old: { reused: undefined } as never }],
    [
      'that was superseded a moment less than 14 days ago',
      { old: { supersededAt: new Date(NOW.getTime() - 14 * 86_400_000 + 1).toISOString() } },
    ],
    ['within the days of the configuration', { deploy: { grace_days: 31 } }],
    ['that is among the newest to keep', { deploy: { keep: 2 } }],
    [
      'where the edge was not verified, after a day',
      { replacement: { state: 'unverified', replacedAt: inDays(-1) } },
    ],
  ]
  test.each(kept)('%s: silenced, and not deleted', (_, change) => {
    expect(retired(change)).toEqual({ silence: true, remove: false })
  })

  test.each([
    ['after exactly 14 days', { old: { supersededAt: inDays(-14) } }],
    ['at once where it has ended', { old: { supersededAt: inDays(0), notAfter: inDays(0) } }],
    ['at once where no grace is wanted', { old: { supersededAt: inDays(0) }, deploy: { grace_days: 0 } }],
    ['where nothing is bound any more', { replacement: { state: 'nothing-bound' } as const }],
    [
      'where another lineage knows that it is bound nowhere',
      { others: [other({ superseded: [superseded('old', { bound: 'no' })] })] },
    ],
  ] as ReadonlyArray<readonly [string, Change]>)('is deleted %s', (_, change) => {
    expect(retired(change).remove).toBe(true)
  })

  test.each(REPLACEMENT_STATES.map(state => [state] as const))(
    'in state %s is deleted only if that is proven',
    state => {
      const isProven = state === 'verified' || state === 'nothing-bound'
      expect(retired({ replacement: { state, replacedAt: inDays(0) } })).toEqual({
        silence: isProven,
        remove: isProven,
      })
    },
  )

  test('is not silenced a second time, and is one of ten at most', () => {
    expect(retired({ old: { silencedAt: inDays(-1) } })).toEqual({ silence: false, remove: true })
    const many = Array.from({ length: 40 }, (_, i) => superseded(`s${i}`, FREE))
    const own = receipt({ superseded: many, replacement: replacement({ state: 'verified' }) })
    const { silence, remove } = retirable(own, [own], { deploy: deploySettings({ retire: 'delete' }) }, NOW)
    expect([silence.length, remove.length, remove[0]]).toEqual([40, 10, 's1'])
  })
})
