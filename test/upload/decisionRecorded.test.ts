import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { emptyReceipt, type Receipt, uploadOf, withUpload } from '../../src/receipts/receipt.ts'
import { decide } from '../../src/upload/decision.ts'
import { bundleOf } from '../fixtures/samples.ts'
import { writtenAndRead } from '../fixtures/state.ts'

const [ENDPOINT, LINEAGE] = ['ssl.tencentcloudapi.com', 'certbot:example.com']
const DAY = 86_400_000
const START = Date.parse('2026-03-01T00:00:00Z')
const current = await bundleOf()

describe('what was just recorded is not uploaded again', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9]{8}$/)
  const from = fc.integer({ min: -400 * DAY, max: 400 * DAY })
  const event = fc.record({ id, from, days: fc.integer({ min: 1, max: 398 }), force: fc.boolean() })

  test('whatever was uploaded before, forced or not, at any time of its validity', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 6 }), fc.string(), (history, settings) => {
        let receipt = emptyReceipt(LINEAGE)
        for (const [i, { id, from, days, force }] of history.entries()) {
          const notBefore = new Date(START + from)
          const now = new Date(notBefore.getTime() + DAY / 2)
          const bundle: Bundle = {
            ...current,
            fingerprint: String(i).padStart(64, '0'),
            notBefore,
            notAfter: new Date(notBefore.getTime() + days * DAY),
          }
          const asked = { now, force, settings, endpoint: ENDPOINT }
          const decision = decide(bundle, receipt, asked)
          if (decision.do !== 'upload') continue
          const uploaded = { certificateId: id, requestId: 'r', reused: false }
          const upload = uploadOf(bundle, uploaded, ENDPOINT, now)
          receipt = withUpload(receipt, upload, decision.because === 'forced')
          // through the disk and back
          receipt = writtenAndRead(receipt) as Receipt
          expect(decide(bundle, receipt, { ...asked, force: false })).toEqual({
            do: 'skip',
            because: 'unchanged',
            certificateId: id,
          })
        }
      }),
    )
  })
})
