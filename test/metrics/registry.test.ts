import { beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault } from '../../src/errors.ts'
import { emptyReceipt, uploadOf } from '../../src/receipts/receipt.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { failed, metricsAt, NOW, unchanged, uploaded, valuesOf } from './registryFixture.ts'

const A = 'certbot:a.example'
const B = 'acme.sh:b.example_ecc'
const FROM = new Date('2026-03-01T00:00:00Z')
const TO = new Date('2026-05-30T01:02:03Z')
let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleOf({ names: ['a.example'], notBefore: FROM, notAfter: TO })
})

describe('a lineage', () => {
  test('that was uploaded has its dates, the time of the upload, and is ok', async () => {
    const metrics = metricsAt()
    metrics.outcome(uploaded(A, bundle))
    expect(valuesOf(await metrics.text())).toMatchObject({
      [`certificate_not_before_timestamp_seconds{${A}}`]: FROM.getTime() / 1000,
      [`certificate_not_after_timestamp_seconds{${A}}`]: TO.getTime() / 1000,
      [`last_upload_timestamp_seconds{${A}}`]: NOW,
      [`certificate_synced{${A}}`]: 1,
      last_check_timestamp_seconds: NOW,
      'uploads_total{uploaded}': 1,
      'uploads_total{failed}': 0,
    })
  })

  test('that is unchanged has the time of its last upload from the receipt, and counts as no upload', async () => {
    const metrics = metricsAt()
    const upload = uploadOf(bundle, { certificateId: 'i', requestId: 'r', reused: false }, 'host', FROM)
    metrics.recalled({ ...emptyReceipt(A), uploaded: upload })
    metrics.recalled(emptyReceipt(B))
    metrics.outcome(unchanged(A))
    const values = valuesOf(await metrics.text())
    expect(values).toMatchObject({
      [`last_upload_timestamp_seconds{${A}}`]: FROM.getTime() / 1000,
      [`certificate_synced{${A}}`]: 1,
      'uploads_total{uploaded}': 0,
    })
    expect(values).not.toHaveProperty(`last_upload_timestamp_seconds{${B}}`)
    expect(values).not.toHaveProperty('uploads_total{unchanged}')
  })

  test.each([
    ['pending', failed(A, 'KEY_MISMATCH')],
    ['failed', failed(A, 'NETWORK')],
    ['failed', failed(A, 'FILE_MISSING')],
    [
      'refused',
      {
        lineage: A,
        outcome: 'refused',
        because: 'expired',
        fault: new Fault('EXPIRED', 'over'),
        elapsedMs: 1,
      },
    ],
  ] as const)('that ended as %s is not ok until the service has it', async (outcome, ending) => {
    const metrics = metricsAt()
    metrics.outcome(ending)
    const bad = valuesOf(await metrics.text())
    expect(bad).toMatchObject({ [`uploads_total{${outcome}}`]: 1, [`certificate_synced{${A}}`]: 0 })
    metrics.outcome({ lineage: A, outcome: 'waiting', until: TO, elapsedMs: 1 })
    expect(valuesOf(await metrics.text())).toEqual(bad)
    metrics.outcome(uploaded(A, bundle))
    expect(valuesOf(await metrics.text())[`certificate_synced{${A}}`]).toBe(1)
  })

  test('that a dry run looked at stays as it was', async () => {
    const metrics = metricsAt()
    metrics.outcome(failed(A, 'NETWORK'))
    const before = await metrics.text()
    metrics.outcome({ lineage: A, outcome: 'planned', because: 'changed', elapsedMs: 1 })
    expect(await metrics.text()).toBe(before)
  })

  test('that is gone from disk is gone from the page, and the others stay', async () => {
    const metrics = metricsAt()
    for (const lineage of [A, B, 'pem:c']) metrics.outcome(uploaded(lineage, bundle))
    metrics.forget('pem:c')
    metrics.keep(new Set([B, 'pem:new']))
    const text = await metrics.text()
    expect(text).toContain(B)
    expect(text).not.toMatch(/a\.example|pem:/)
    expect(valuesOf(text)['uploads_total{uploaded}']).toBe(3)
  })
})

describe('the daemon', () => {
  test('counts throttles, and shows what is pending and which version runs', async () => {
    const metrics = metricsAt()
    metrics.throttled()
    metrics.throttled()
    metrics.pending(3)
    metrics.pending(1)
    expect(valuesOf(await metrics.text())).toMatchObject({
      requests_throttled_total: 2,
      certificates_pending: 1,
      'build_info{1.2.3}': 1,
    })
  })

  test('counts missed events from zero, so that the first one is a rise', async () => {
    const metrics = metricsAt()
    metrics.watching(new Map([['certbot=/le', true]]))
    expect(valuesOf(await metrics.text())).toMatchObject({
      'source_watch_up{certbot=/le}': 1,
      'watch_missed_changes_total{certbot=/le}': 0,
    })
    metrics.missedEvent('certbot=/le')
    metrics.watching(new Map([['certbot=/le', false]]))
    expect(valuesOf(await metrics.text())).toMatchObject({
      'source_watch_up{certbot=/le}': 0,
      'watch_missed_changes_total{certbot=/le}': 1,
    })
  })

  test('shows nothing more of a source that left the configuration', async () => {
    const metrics = metricsAt()
    metrics.watching(new Map([['certbot=/le', true]]))
    metrics.missedEvent('certbot=/le')
    metrics.watching(new Map([['acme.sh=/home', false]]))
    expect(await metrics.text()).not.toContain('/le')
    expect(valuesOf(await metrics.text())).toMatchObject({ 'source_watch_up{acme.sh=/home}': 0 })
  })

  test('shares no count with another in the same process', async () => {
    const [one, other] = [metricsAt(), metricsAt()]
    one.throttled()
    expect(valuesOf(await other.text()).requests_throttled_total).toBe(0)
  })
})
