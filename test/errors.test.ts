import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FAULTS, Fault, type FaultCode, mostSevereExitCode } from '../src/errors.ts'

const CODES = Object.keys(FAULTS) as FaultCode[]
const ORDER = [70, 78, 77, 74, 76, 69, 65, 66, 75]

describe('every fault', () => {
  test.each(CODES)('%s has a retry class, an exit code of sysexits and advice', code => {
    const fault = new Fault(code, 'what happened')
    expect(['recheck', 'backoff', 'recover', 'never']).toContain(fault.retry)
    expect([64, ...ORDER]).toContain(fault.exit)
    expect(fault.advice).toMatch(/^[A-Z`].*\.$/)
    expect(fault).toMatchObject({ name: 'Fault', message: 'what happened', code })
  })

  test('never exits 2, which acme.sh reads as "skipped", nor 0', () => {
    expect(CODES.map(code => new Fault(code, '').exit).filter(exit => exit === 2 || exit === 0)).toEqual([])
  })

  test('keeps the advice, the code, the request ID and the cause that it is given', () => {
    const cause = new Error('under it')
    const detail = { cause, advice: 'Do this.', apiCode: 'InternalError', requestId: 'r' }
    expect(new Fault('API_UNAVAILABLE', 'x', detail)).toMatchObject(detail)
    expect('cause' in new Fault('API_UNAVAILABLE', 'x')).toBe(false)
  })

  test('these faults are checked again within seconds', () => {
    const soon = CODES.filter(code => new Fault(code, '').retry === 'recheck')
    expect(soon).toEqual([
      'FILE_MISSING',
      'PAIR_INCOMPLETE',
      'PAIR_CHANGING',
      'KEY_MISMATCH',
      'CHAIN_INCOMPLETE',
    ])
  })

  test("the account's faults are those that every certificate would meet", () => {
    expect(CODES.filter(code => new Fault(code, '').scope === 'account')).toEqual([
      'STATE_DIR_UNUSABLE',
      'INTERRUPTED',
      'API_CLOCK',
      'API_CREDENTIALS',
      'API_FORBIDDEN',
      'API_ACCOUNT_ERROR',
      'UPLOADS_PAUSED',
      'CREDENTIALS_MISSING',
      'CREDENTIALS_UNREADABLE',
    ])
  })
})

describe('the most severe exit code decides', () => {
  test('in the order of the design', () => {
    for (const [i, exit] of ORDER.entries()) expect(mostSevereExitCode(ORDER.slice(i).reverse())).toBe(exit)
  })

  test('whatever their order and number', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ORDER)), exits => {
        expect(mostSevereExitCode(exits)).toBe(ORDER.find(exit => exits.includes(exit)) ?? 0)
      }),
    )
  })

  test('nothing wrong is 0, and a fault of no rank is never taken for it', () => {
    expect(mostSevereExitCode([])).toBe(0)
    expect(mostSevereExitCode([0, 64])).toBe(64)
  })
})
