import { describe, expect, test } from 'vitest'
import { accountFindings, isAccountError, type ServiceReply } from '../../src/doctor/account.ts'
import { Fault } from '../../src/errors.ts'
import { apiFault } from '../../src/tencent/errorCodes.ts'

const WELL: ServiceReply = {
  reached: true,
  offset: 0,
  credentials: '/etc/tencentcloud/credentials [default]',
  refusal: undefined,
  lastUpload: undefined,
}
const answered = (code: string) => apiFault(code, 'no', 'id')
const found = (verdict: Partial<ServiceReply>) => accountFindings({ ...WELL, ...verdict })
const levels = (verdict: Partial<ServiceReply>) => found(verdict).map(({ level }) => level)
const of = (about: string, verdict: Partial<ServiceReply>) => found(verdict).find(one => one.about === about)

describe('clock, credentials and permission are told in this order, each only where the one before holds', () => {
  test.each<readonly [string, Partial<ServiceReply>, readonly string[]]>([
    ['all is well', {}, ['ok', 'ok', 'ok']],
    ['nobody answered', { reached: false }, ['unreached', 'unreached', 'unreached']],
    [
      'the clock is refused',
      { offset: 600, refusal: answered('AuthFailure.SignatureExpire') },
      ['failure', 'unreached', 'unreached'],
    ],
    [
      'the key is refused',
      { refusal: answered('AuthFailure.SignatureFailure') },
      ['ok', 'failure', 'unreached'],
    ],
    [
      'there is no key',
      { credentials: new Fault('CREDENTIALS_MISSING', 'none') },
      ['ok', 'failure', 'unreached'],
    ],
    [
      'there is no key and no answer',
      { reached: false, credentials: new Fault('CREDENTIALS_MISSING', 'none') },
      ['unreached', 'failure', 'unreached'],
    ],
    [
      'listing is denied',
      { refusal: answered('AuthFailure.UnauthorizedOperation') },
      ['ok', 'ok', 'warning'],
    ],
    ['the machine is not allowed', { refusal: answered('IpNotInWhitelist') }, ['ok', 'ok', 'failure']],
  ])('%s', (_, verdict, expected) => {
    expect(levels(verdict)).toEqual(expected)
  })
})

describe('the clock', () => {
  test.each([
    [0, 'ok', "matches the service's clock"],
    [-2, 'ok', "matches the service's clock"],
    [12, 'ok', '12 s slow; the service allows 5 minutes'],
    [-61, 'warning', '61 s fast; the service allows 5 minutes'],
    [299, 'warning', '5 minutes slow; the service allows 5 minutes'],
    [301, 'failure', '5 minutes slow; the service allows 5 minutes'],
  ])('%i s: %s', (offset, level, says) => {
    expect(of('clock', { offset })).toMatchObject({ level, says })
    if (level !== 'ok') expect(of('clock', { offset })?.command).toBe('sudo timedatectl set-ntp true')
  })

  test('that is refused though it seems right is told in the words of the service', () => {
    expect(of('clock', { refusal: answered('AuthFailure.SignatureExpire') })).toMatchObject({
      level: 'failure',
      says: 'the service answered AuthFailure.SignatureExpire: no',
    })
  })
})

describe('the permission', () => {
  const denied = { refusal: answered('AuthFailure.UnauthorizedOperation') }

  test('that is missing is named, with a policy that is JSON and allows what is needed', () => {
    const finding = of('permission', denied)
    expect(finding?.says).toContain('ssl:DescribeCertificates is not allowed')
    expect(finding?.advice).toContain('ssl:UploadCertificate')
    expect(JSON.parse(finding?.policy ?? '')).toEqual({
      version: '2.0',
      statement: [
        {
          effect: 'allow',
          resource: ['*'],
          action: ['ssl:UploadCertificate', 'ssl:CheckCertificateExist', 'ssl:DescribeCertificates'],
        },
      ],
    })
  })

  test('to upload is not tried; an upload that went through is the proof', () => {
    const lastUpload = '2026-11-23T10:00:00.000Z'
    expect(of('permission', {})?.says).toContain('ssl:UploadCertificate is allowed')
    expect(of('permission', { lastUpload })?.says).toContain('it allowed an upload on 2026-11-23')
    expect(of('permission', { ...denied, lastUpload })?.advice).toContain(
      'it allowed an upload on 2026-11-23',
    )
  })
})

test('a service that is unwell has refused nobody', () => {
  for (const code of ['InternalError', 'RequestLimitExceeded', 'InvalidAction'])
    expect(isAccountError(answered(code))).toBe(false)
})
