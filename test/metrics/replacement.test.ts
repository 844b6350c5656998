import { expect, test } from 'vitest'
import { createMetrics } from '../../src/metrics/registry.ts'
import { replacementValues } from '../../src/metrics/replacement.ts'
import type { Receipt, Superseded } from '../../src/receipts/receipt.ts'
import { newReplacement, type Replacement } from '../../src/receipts/replacement.ts'
import { receiptWith, upload } from '../fixtures/samples.ts'

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
