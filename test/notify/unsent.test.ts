import { expect, test } from 'vitest'
import type { Notification } from '../../src/notify/notification.ts'
import { unsentIn, unsentRows } from '../../src/notify/queue.ts'

const NOW = Date.UTC(2026, 10, 24)
const DAY = 86_400_000
const notice: Notification = {
  event: 'uploaded',
  lineage: 'certbot:shop',
  names: ['shop.example.com'],
  certificateId: 'a92b1Z1i',
  supersedes: null,
  notAfter: null,
  reason: null,
  advice: null,
  key: 'uploaded certbot:shop a92b1Z1i',
  again: Number.POSITIVE_INFINITY,
}

test('what was not sent is read as it was written, for a week from when it was news', () => {
  const first = unsentIn(unsentRows([notice], NOW), NOW)
  expect(first).toEqual([{ ...notice, since: '2026-11-24T00:00:00.000Z' }])
  const later = unsentIn(unsentRows(first, NOW + 6 * DAY), NOW + 6 * DAY)
  expect(later).toEqual(first)
  expect(unsentIn(unsentRows(later, NOW + 7 * DAY), NOW + 7 * DAY)).toEqual([])
})

test('a thousand are kept, not more', () => {
  const many = Array.from({ length: 1_001 }, (_, i) => ({ ...notice, key: `${i}` }))
  expect(unsentIn(unsentRows(many, NOW), NOW)).toHaveLength(1_000)
})

test.each([
  '',
  '{',
  '{}',
  'null',
  '7',
  '[]',
  JSON.stringify({ ...notice, since: 'yesterday' }),
  JSON.stringify({ ...notice, since: '2026-11-24T00:00:00.000Z', event: 'other' }),
  JSON.stringify({ ...notice, since: '2026-11-24T00:00:00.000Z', names: [7] }),
])('a damaged row holds none: %s', notification => {
  expect(unsentIn([{ since: '', notification }], NOW)).toEqual([])
})
