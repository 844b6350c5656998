import { expect, test } from 'vitest'
import { requeueAfter } from '../../src/daemon/workQueue.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import type { Outcome, Verdict } from '../../src/upload/outcome.ts'
import { bundleOf } from '../fixtures/samples.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const DAY = 86_400_000
const TOMORROW = NOW + DAY
const bundle = await bundleOf({ notBefore: new Date(TOMORROW) })

const after = (
  verdict: Verdict,
  { proven = false, restsUntil }: { proven?: boolean; restsUntil?: number } = {},
) => {
  const outcome: Outcome = { ...verdict, lineage: 'a', elapsedMs: 1, ...(proven && { bundle }) }
  return requeueAfter(outcome, NOW, restsUntil)
}
const failed = (code: FaultCode): Verdict => ({ outcome: 'failed', fault: new Fault(code, 'no') })

test('what is carried is looked at when something changes', () => {
  expect(after({ outcome: 'unchanged', because: 'unchanged', certificateId: 'ID1' })).toBe('done')
})

test.each(['PAIR_INCOMPLETE', 'KEY_MISMATCH', 'CHAIN_INCOMPLETE', 'FILE_MISSING'] as const)(
  'files that are mid-change (%s) are looked at within seconds',
  code => expect(after(failed(code))).toBe('mid-change'),
)

test('a receipt names the next attempt, and it is waited for', () => {
  expect(after({ outcome: 'waiting', until: new Date(TOMORROW) })).toEqual({ afterMs: DAY })
})

test('an upload that failed is looked at again at once, to find the time in its receipt', () => {
  expect(after(failed('NETWORK'), { proven: true })).toEqual({ afterMs: 1_000 })
})

test('files that cannot be read are tried again each minute: no event tells of rights that were mended', () => {
  expect(after(failed('FILE_UNREADABLE'))).toEqual({ afterMs: 60_000 })
})

test('an ID that could not be recorded is tried again each minute', () => {
  expect(after(failed('UPLOAD_NOT_RECORDED'), { proven: true })).toEqual({ afterMs: 60_000 })
})

test('a fault of the account waits for the end of the rest', () => {
  expect(after(failed('UPLOADS_PAUSED'), { proven: true, restsUntil: TOMORROW })).toEqual({ afterMs: DAY })
  expect(after(failed('STATE_DIR_UNUSABLE'), { proven: true })).toEqual({ afterMs: 60_000 })
})

test.each(['CERTIFICATE_INVALID', 'API_REJECTED', 'FILE_INVALID'] as const)(
  'what only a person can mend (%s) waits for a change',
  code => expect(after(failed(code), { proven: true })).toBe('done'),
)

test('a certificate that is not valid yet is looked at when it is', () => {
  const fault = new Fault('NOT_YET_VALID', 'no')
  const refused = { outcome: 'refused', because: 'not-yet-valid', fault } as const
  expect(after(refused, { proven: true })).toEqual({ afterMs: DAY })
  expect(after({ ...refused, because: 'older-than-uploaded' }, { proven: true })).toBe('done')
})
