import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { createMetrics, METRICS, UPLOAD_OUTCOMES } from '../../src/metrics/registry.ts'
import { replacementValues } from '../../src/metrics/replacement.ts'
import type { Receipt, Superseded } from '../../src/receipts/receipt.ts'
import { newReplacement, type Replacement } from '../../src/receipts/replacement.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import { issue } from '../fixtures/certificates.ts'
import { bundleOf, proven, receiptWith, upload } from '../fixtures/samples.ts'

const A = 'certbot:a.example'
const B = 'acme.sh:b.example_ecc'
const FROM = new Date('2026-03-01T00:00:00Z')
const TO = new Date('2026-05-30T01:02:03Z')
const NOW = 1_780_000_000
const bundle = await bundleOf({ names: ['a.example'], notBefore: FROM, notAfter: TO })

const daemonMetrics = () =>
  createMetrics({ version: '1.2.3', now: () => new Date(NOW * 1000 + 999), isDaemon: true })

const uploaded = (lineage: string, bundle: Bundle): Outcome => ({
  lineage,
  bundle,
  outcome: 'uploaded',
  because: 'first-seen',
  certificateId: 'certificate-id',
  reused: false,
  requestId: 'request-id',
  attempts: 1,
  supersedes: null,
  elapsedMs: 84,
})

const unchanged = (lineage: string): Outcome => ({
  lineage,
  outcome: 'unchanged',
  because: 'unchanged',
  certificateId: 'certificate-id',
  elapsedMs: 1,
})

const failed = (lineage: string, code: FaultCode, message = 'no'): Outcome => ({
  lineage,
  outcome: 'failed',
  fault: new Fault(code, message, { requestId: 'request-id' }),
  elapsedMs: 1,
})

/** Every sample as `name{label}`, without the prefix, with its value. */
const valuesOf = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Array.from(text.matchAll(/^certferry_(\w+)(?:{\w+="(.*)"})? (\S+)$/gm), ([, name, label, value]) => [
      label === undefined ? `${name}` : `${name}{${label}}`,
      Number(value),
    ]),
  )

describe('series of a lineage', () => {
  test('an upload sets the dates, the time of the upload and synced', async () => {
    const metrics = daemonMetrics()
    metrics.outcome(uploaded(A, bundle))
    expect(valuesOf(await metrics.text())).toMatchObject({
      [`certificate_not_before_timestamp_seconds{${A}}`]: FROM.getTime() / 1000,
      [`certificate_not_after_timestamp_seconds{${A}}`]: Math.floor(TO.getTime() / 1000),
      [`last_upload_timestamp_seconds{${A}}`]: NOW,
      [`certificate_synced{${A}}`]: 1,
      last_check_timestamp_seconds: NOW,
      'uploads_total{uploaded}': 1,
      'uploads_total{failed}': 0,
    })
  })

  test('a receipt sets the dates, the last upload and synced, and counts no upload', async () => {
    const metrics = daemonMetrics()
    metrics.recalled(receiptWith({ lineage: A, uploaded: upload({ uploadedAt: FROM.toISOString() }) }))
    metrics.recalled(receiptWith({ lineage: B, uploaded: undefined }))
    metrics.outcome(unchanged(A))
    const values = valuesOf(await metrics.text())
    expect(values).toMatchObject({
      [`last_upload_timestamp_seconds{${A}}`]: FROM.getTime() / 1000,
      [`certificate_not_after_timestamp_seconds{${A}}`]: Date.parse(upload().notAfter) / 1000,
      [`certificate_synced{${A}}`]: 1,
      'uploads_total{uploaded}': 0,
    })
    expect(Object.keys(values).join()).not.toMatch(/unchanged|acme\.sh/)
  })

  test.each([
    ['pending', failed(A, 'KEY_MISMATCH')],
    ['failed', failed(A, 'NETWORK')],
    ['failed', failed(A, 'FILE_MISSING')],
    [
      'refused',
      { ...unchanged(A), outcome: 'refused', because: 'expired', fault: new Fault('EXPIRED', 'over') },
    ],
  ] as const)(
    'a lineage whose check ends as %s is not synced until it is uploaded',
    async (outcome, ending) => {
      const metrics = daemonMetrics()
      metrics.outcome(ending)
      const bad = valuesOf(await metrics.text())
      expect(bad).toMatchObject({ [`uploads_total{${outcome}}`]: 1, [`certificate_synced{${A}}`]: 0 })
      metrics.outcome({ lineage: A, outcome: 'waiting', until: TO, elapsedMs: 1 })
      metrics.outcome({ lineage: A, outcome: 'planned', because: 'changed', elapsedMs: 1 })
      expect(valuesOf(await metrics.text())).toEqual(bad)
      metrics.outcome(uploaded(A, bundle))
      expect(valuesOf(await metrics.text())[`certificate_synced{${A}}`]).toBe(1)
    },
  )

  test('a lineage that is gone from disk loses its series, and the others keep theirs', async () => {
    const metrics = daemonMetrics()
    for (const lineage of [A, B, 'pem:c']) metrics.outcome(uploaded(lineage, bundle))
    metrics.keep(new Set([B, 'pem:new']))
    const text = await metrics.text()
    expect(text).toContain(B)
    expect(text).not.toMatch(/a\.example|pem:/)
    expect(valuesOf(text)['uploads_total{uploaded}']).toBe(3)
  })
})

describe('series of the daemon', () => {
  test('throttles are counted; pending and version are shown', async () => {
    const metrics = daemonMetrics()
    metrics.throttled()
    metrics.throttled()
    metrics.pending(3)
    metrics.pending(1)
    expect(valuesOf(await metrics.text())).toMatchObject({
      requests_throttled_total: 2,
      certificates_pending: 1,
      'build_info{1.2.3}': 1,
    })
    expect(valuesOf(await daemonMetrics().text()).requests_throttled_total).toBe(0)
  })

  test('missed changes are counted from zero, until their source leaves the configuration', async () => {
    const metrics = daemonMetrics()
    const values = async () => valuesOf(await metrics.text())
    metrics.watching(new Map([['certbot=/le', true]]))
    expect(await values()).toMatchObject({
      'source_watch_up{certbot=/le}': 1,
      'watch_missed_changes_total{certbot=/le}': 0,
    })
    metrics.missedEvent('certbot=/le')
    metrics.watching(new Map([['certbot=/le', false]]))
    expect(await values()).toMatchObject({
      'source_watch_up{certbot=/le}': 0,
      'watch_missed_changes_total{certbot=/le}': 1,
    })
    metrics.watching(new Map([['acme.sh=/home', false]]))
    expect(await metrics.text()).not.toContain('/le')
    expect(await values()).toMatchObject({ 'source_watch_up{acme.sh=/home}': 0 })
  })
})

describe('the text', () => {
  test('it explains every metric of the table and holds no other', async () => {
    const text = await daemonMetrics().text()
    const explained = Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => [name, type])
    expect(explained).toEqual(Object.values(METRICS).map(({ name, type }) => [name, type]))
    for (const { name, help, type } of Object.values(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n`)
      expect(name.endsWith('_total')).toBe(type === 'counter')
    }
    expect(text.endsWith('\n')).toBe(true)
  })

  test('it has one line for each sample, whatever a lineage is called', async () => {
    const metrics = daemonMetrics()
    for (const lineage of ['pem:a"} 1\nevil{x="', 'pem:\u202e\\', `pem:${'x'.repeat(900)}`, '__proto__'])
      metrics.outcome(unchanged(lineage))
    const lines = (await metrics.text())
      .split('\n')
      .filter(line => line.startsWith('certferry_certificate_synced'))
    expect(lines).toHaveLength(4)
    for (const line of lines)
      expect(line).toMatch(/^certferry_certificate_synced\{lineage="([^"\\\n]|\\.)*"\} 1$/)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(300)
  })

  test('it holds no key, no secret, no fingerprint, no ID and no message of a fault', async () => {
    const { chain, key } = await issue()
    const secret = proven(chain, key)
    const metrics = daemonMetrics()
    metrics.outcome(uploaded(A, secret))
    metrics.outcome(failed(A, 'API_UNAVAILABLE', `sesame ${key}`))
    metrics.recalled(receiptWith({ lineage: A, uploaded: upload({ certificateId: 'recalled-id' }) }))
    const text = await metrics.text()
    const pem = [...key.split('\n'), ...secret.chainPem.split('\n')].filter(Boolean)
    expect(pem.length).toBeGreaterThan(10)
    const never = [secret.fingerprint, secret.leaf, 'certificate-id', 'recalled-id', 'request-id', 'sesame']
    for (const part of [...pem, ...never]) expect(text).not.toContain(part)
  })
})

const document = await readFile('docs/monitoring.md', 'utf8')
const rows = document
  .split('\n')
  .filter(line => line.startsWith('| `certferry_'))
  .map(line => line.split('|').map(cell => cell.replaceAll('`', '').trim()))
const alerts = /```yaml\n(groups:[\s\S]*?)```/.exec(document)?.[1] ?? ''

test('every metric is documented with its type, labels and meaning, and no other', () => {
  expect(rows.map(([, ...cells]) => cells.slice(0, 4))).toEqual(
    Object.values(METRICS).map(({ name, type, labels, help }) => [name, type, labels.join(), help]),
  )
})

test('every outcome that is counted is named', () => {
  for (const outcome of UPLOAD_OUTCOMES) expect(document).toContain(`\`${outcome}\``)
})

test('the four alerts ask only for metrics and labels that there are', () => {
  expect(alerts.match(/- alert: \w+/g)).toHaveLength(4)
  const names = Object.values(METRICS).map(({ name }) => name as string)
  const labels = new Set([
    'instance',
    ...Object.values(METRICS).flatMap(row => row.labels as readonly string[]),
  ])
  const asked = alerts.match(/certferry_\w+/g) ?? []
  expect(asked.length).toBeGreaterThan(5)
  for (const name of asked) expect(names).toContain(name)
  for (const [, label] of alerts.matchAll(/\$labels\.(\w+)/g)) expect(labels).toContain(label)
})

const BEGAN = new Date('2026-06-01T00:00:00Z')

const older = (certificateId: string, changes: Partial<Superseded> = {}): Superseded => {
  const { fingerprint, notAfter, uploadedAt } = upload()
  return { certificateId, fingerprint, notAfter, uploadedAt, supersededAt: uploadedAt, ...changes }
}

const receiptAt = (changes: Partial<Replacement>, superseded: readonly Superseded[] = []): Receipt =>
  receiptWith({
    uploaded: upload({ certificateId: 'new12345' }),
    superseded,
    replacement: { ...newReplacement('new12345', BEGAN), ...changes },
  })

const cdn = (certificateId: string) => ({
  ...{ type: 'cdn', region: '', instance: 'a', domains: ['a.example.com'], certificateId },
})

test('an older ID counts while a resource uses it, also one that this host did not upload', () => {
  const bound = { bound: 'yes' } as const
  const superseded = [
    older('a', bound),
    older('b', { bound: 'no' }),
    older('c', { ...bound, deletedAt: 'x' }),
  ]
  const resources = ['a', 'b', 'console1', 'console1', 'free1234', 'new12345'].map(cdn)
  const receipt = receiptAt({ resources, unbound: ['free1234'] }, superseded)
  expect(replacementValues(receipt).oldIdsBound).toBe(2)
})

test('a renewal that was not looked at yet is surveyed next, whatever was before', () => {
  expect(replacementValues(receiptAt({ state: 'verified' })).state).toBe('verified')
  expect(replacementValues(receiptAt({ state: 'verified', to: 'old12345' })).state).toBe('surveying')
  expect(replacementValues(receiptWith()).state).toBe('none')
})

test('a lineage has one state at a time; its time stays known, and all goes when replacing is turned off', async () => {
  const metrics = createMetrics({ version: '1', now: () => BEGAN, isDaemon: true })
  const shown = async () => {
    const lines = (await metrics.text()).match(/^certferry_(replacement|last_repl|old_ids).*/gm) ?? []
    return lines.map(line => line.replace('lineage="certbot:example.com"', '…').replace('certferry_', ''))
  }
  const id = 'certbot:example.com'
  metrics.replacement(id, receiptAt({ state: 'replaced', replacedAt: '2026-06-01T00:02:03Z' }))
  metrics.replacement(id, receiptAt({ state: 'partly' }, [older('a', { bound: 'yes' })]))
  expect(await shown()).toEqual([
    'replacement_state{…,state="partly"} 1',
    'last_replacement_seconds{…} 123',
    'old_ids_bound{…} 1',
  ])
  metrics.replacement(id, undefined)
  expect(await shown()).toEqual([])
  metrics.replacement(id, receiptAt({}))
  metrics.keep(new Set())
  expect(await shown()).toEqual([])
})
