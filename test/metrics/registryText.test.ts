import { describe, expect, test } from 'vitest'
import { METRICS } from '../../src/metrics/registry.ts'
import { emptyReceipt, uploadOf } from '../../src/receipts/receipt.ts'
import { issue } from '../fixtures/certificates.ts'
import { proven } from '../fixtures/samples.ts'
import { failed, metricsAt, unchanged, uploaded } from './registryFixture.ts'

const A = 'certbot:a.example'

describe('the text', () => {
  test('explains every metric of the table and holds no other', async () => {
    const text = await metricsAt().text()
    const explained = Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => [name, type])
    expect(explained).toEqual(Object.values(METRICS).map(({ name, type }) => [name, type]))
    for (const { name, help } of Object.values(METRICS)) expect(text).toContain(`# HELP ${name} ${help}\n`)
    expect(text.endsWith('\n')).toBe(true)
  })

  test('names by convention: counters end in _total, times in _timestamp_seconds', () => {
    for (const { name, type } of Object.values(METRICS)) {
      expect(name).toMatch(/^certferry_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
    }
  })

  test('is one line a sample, whatever a lineage is called', async () => {
    const metrics = metricsAt()
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

  test('holds no key, no secret, no fingerprint, no ID and nothing a fault says', async () => {
    const { chain, key } = await issue()
    const bundle = proven(chain, key)
    const metrics = metricsAt()
    metrics.outcome(uploaded(A, bundle))
    metrics.outcome(failed(A, 'API_UNAVAILABLE', `sesame ${key}`))
    const upload = uploadOf(
      bundle,
      { certificateId: 'recalled-id', requestId: 'r', reused: false },
      'host',
      new Date(),
    )
    metrics.recalled({ ...emptyReceipt(A), uploaded: upload })
    const text = await metrics.text()
    const pem = [...key.split('\n'), ...bundle.chainPem.split('\n')].filter(Boolean)
    expect(pem.length).toBeGreaterThan(10)
    const never = [bundle.fingerprint, bundle.leaf, 'certificate-id', 'recalled-id', 'request-id', 'sesame']
    for (const secret of [...pem, ...never]) expect(text).not.toContain(secret)
  })
})
