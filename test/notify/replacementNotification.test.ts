import { describe, expect, test } from 'vitest'
import { messagesFor } from '../../src/notify/message.ts'
import { replacementNotifications } from '../../src/notify/replacementNotification.ts'
import { newReplacement, type Replacement } from '../../src/receipts/replacement.ts'
import { receiptWith, upload } from '../fixtures/samples.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const current = upload({ certificateId: 'new12345' })

const receiptAt = (changes: Partial<Replacement>, uploaded = current) =>
  receiptWith({ uploaded, replacement: { ...newReplacement('new12345', NOW), ...changes } })

const eventsAt = (...about: Parameters<typeof receiptAt>) =>
  replacementNotifications(receiptAt(...about)).map(({ event }) => event)

const replacedAt = NOW.toISOString()

describe('a replacement is told', () => {
  test.each<[string, Partial<Replacement>, readonly string[]]>([
    ['when no older ID is bound', { state: 'replaced', replacedAt }, ['replaced']],
    ['also when the edge cannot be asked', { state: 'unverified', replacedAt }, ['replaced']],
    ['when an older one is served', { state: 'stale', replacedAt }, ['replaced', 'edge_stale']],
    ['when resources failed', { state: 'partly' }, ['replacement_failed']],
    ['when a name is missing', { state: 'uncovered' }, ['replacement_failed']],
    ['when it is not trusted', { state: 'untrusted' }, ['replacement_failed']],
    ['when a gate holds it', { state: 'held', nextCheckAt: replacedAt }, ['replacement_failed']],
    ['when a right is missing', { code: 'API_FORBIDDEN' }, ['replacement_failed']],
    ['when the role is missing', { code: 'API_ROLE_MISSING' }, ['replacement_failed']],
    ['at the fourth look in vain', { code: 'NETWORK', attempts: 4 }, ['replacement_failed']],
  ])('%s', (_, changes, expected) => {
    expect(eventsAt(changes)).toEqual(expected)
  })
})

describe('nothing is told', () => {
  test.each<[string, Partial<Replacement>]>([
    ['while it is under way', { state: 'running' }],
    ['of what the next look may find solved', { code: 'NETWORK', attempts: 3 }],
    ['of a rollback', { state: 'held' }],
    ['of a pause of all uploads', { code: 'UPLOADS_PAUSED', attempts: 9 }],
    ['of a certificate that is bound nowhere', { state: 'nothing-bound' }],
  ])('%s', (_, changes) => {
    expect(eventsAt(changes)).toEqual([])
  })

  test('of a replacement by an ID that is no longer the current one', () => {
    expect(eventsAt({ state: 'stale', replacedAt }, upload({ certificateId: 'newer123' }))).toEqual([])
  })
})

test('each kind of news has a key for each ID, and says what it is about', () => {
  const job = {
    ...{ from: 'old12345', to: 'new12345', types: [], regions: {}, askedAt: replacedAt },
    ...{ total: 1, done: 1, failures: [] },
  }
  const found = replacementNotifications(
    receiptAt({ state: 'stale', replacedAt, jobs: [job], reason: 'it is old', advice: 'Look.' }),
  )
  expect(found.map(({ key, again }) => [key, again])).toEqual(
    ['replaced', 'edge_stale'].map(event => [`${event} certbot:example.com new12345`, null]),
  )
  expect(messagesFor(found, 'web1').map(({ text }) => text)).toEqual([
    `certferry on web1: 1 certificate put in place of older ones\ncertbot:example.com: new12345, in place of old12345, valid until ${current.notAfter.slice(0, 10)}`,
    'certferry on web1: 1 certificate in place, while an older one is still served\ncertbot:example.com: it is old\n→ Look.',
  ])
})
