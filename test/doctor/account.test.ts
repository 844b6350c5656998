import { expect, test } from 'vitest'
import { accountFindings, isAccountError, type ServiceReply } from '../../src/doctor/account.ts'
import { Fault } from '../../src/errors.ts'
import { apiFault } from '../../src/tencent/errorCodes.ts'

const ACCEPTED: ServiceReply = {
  reached: true,
  offset: 0,
  credentials: '/etc/tencentcloud/credentials [default]',
  refusal: undefined,
  lastUpload: undefined,
}
const refused = (code: string) => ({ refusal: apiFault(code, 'no', 'id') })
const DENIED = refused('AuthFailure.UnauthorizedOperation')
const NO_KEY = { credentials: new Fault('CREDENTIALS_MISSING', 'none') }
const found = (reply: Partial<ServiceReply>) => accountFindings({ ...ACCEPTED, ...reply })
const of = (about: string, reply: Partial<ServiceReply>) => found(reply).find(one => one.about === about)

test.each<readonly [string, Partial<ServiceReply>, string]>([
  ['accepted', {}, 'ok ok ok'],
  ['no answer', { reached: false }, 'unreached unreached unreached'],
  [
    'clock refused',
    { offset: 600, ...refused('AuthFailure.SignatureExpire') },
    'failure unreached unreached',
  ],
  ['key refused', refused('AuthFailure.SignatureFailure'), 'ok failure unreached'],
  ['no key', NO_KEY, 'ok failure unreached'],
  ['no key and no answer', { reached: false, ...NO_KEY }, 'unreached failure unreached'],
  ['listing denied', DENIED, 'ok ok warning'],
  ['machine not allowed', refused('IpNotInWhitelist'), 'ok ok failure'],
])(
  'clock, credentials and permission are each checked if the one before is right: %s',
  (_, reply, levels) => {
    expect(
      found(reply)
        .map(({ level }) => level)
        .join(' '),
    ).toBe(levels)
  },
)

test('a key that this user may not read is no reason for another setup', () => {
  const credentials = new Fault('CREDENTIALS_UNREADABLE', '/etc/k: cannot be read (EACCES)')
  expect(of('credentials', { credentials })).toMatchObject({ command: 'sudo certferry check' })
  expect(of('credentials', NO_KEY)).toMatchObject({ command: 'sudo certferry setup' })
})

test.each([
  [0, 'ok', "matches the service's clock"],
  [-2, 'ok', "matches the service's clock"],
  [12, 'ok', '12 s slow; the service allows 5 minutes'],
  [-61, 'warning', '61 s fast; the service allows 5 minutes'],
  [299, 'warning', '5 minutes slow; the service allows 5 minutes'],
  [301, 'failure', '5 minutes slow; the service allows 5 minutes'],
])('a clock that is %i s off is %s: %s', (offset, level, says) => {
  expect(of('clock', { offset })).toMatchObject({ level, says })
  if (level !== 'ok') expect(of('clock', { offset })?.command).toBe('sudo timedatectl set-ntp true')
})

test('a clock that is refused though it seems right is reported in the words of the service', () => {
  const says = 'the service answered AuthFailure.SignatureExpire: no'
  expect(of('clock', refused('AuthFailure.SignatureExpire'))).toMatchObject({ level: 'failure', says })
})

test('a missing permission is named, with a policy that is JSON and allows what is needed', () => {
  const finding = of('permission', DENIED)
  expect(finding?.says).toContain('ssl:DescribeCertificates is not allowed')
  expect(finding?.advice).toContain('ssl:UploadCertificate')
  const action = ['ssl:UploadCertificate', 'ssl:CheckCertificateExist', 'ssl:DescribeCertificates']
  expect(JSON.parse(finding?.policy ?? '')).toEqual({
    version: '2.0',
    statement: [{ effect: 'allow', resource: ['*'], action }],
  })
})

test('the permission to upload is proven by an earlier upload and not tried', () => {
  const lastUpload = '2026-11-23T10:00:00.000Z'
  const proof = 'it allowed an upload on 2026-11-23'
  expect(of('permission', {})?.says).toContain('ssl:UploadCertificate is allowed')
  expect(of('permission', { lastUpload })?.says).toContain(proof)
  expect(of('permission', { ...DENIED, lastUpload })?.advice).toContain(proof)
})

test('an error of the service itself is no refusal of the account', () => {
  for (const code of ['InternalError', 'RequestLimitExceeded', 'InvalidAction'])
    expect(isAccountError(apiFault(code, 'no', 'id'))).toBe(false)
})
