import { expect, test } from 'vitest'
import type { FaultCode, Retry } from '../../src/errors.ts'
import { apiFault } from '../../src/tencent/errorCodes.ts'

const faultOf = (apiCode: string, message = 'message') => apiFault(apiCode, message, 'request')

/**
 * The 30 codes documented for UploadCertificate (tencentcloud-sdk-go, ssl/v20191205/client.go) with their classes:
 * P permanent, T transient, R repair then retry, ? a few times. Written down apart from the table so that each checks the
 * other.
 */
const UPLOAD = `
? AuthFailure · P AuthFailure.UnauthorizedOperation · ? FailedOperation · P FailedOperation.AuthError
? FailedOperation.CAMAuthorizedFail · P FailedOperation.CancelOrderFailed · P FailedOperation.CannotBeDeletedIssued
P FailedOperation.CannotBeDeletedWithinHour · T FailedOperation.CannotGetOrder · P FailedOperation.CertificateCaError
P FailedOperation.CertificateChainError · P FailedOperation.CertificateEncryptInvalid
P FailedOperation.CertificateExists · P FailedOperation.CertificateInvalid · P FailedOperation.CertificateMatchError
P FailedOperation.CertificateMismatch · P FailedOperation.CertificateNotFound
P FailedOperation.CertificateParseError · P FailedOperation.ExceedsFreeLimit
P FailedOperation.InvalidCertificateStatusCode · P FailedOperation.InvalidParam · T FailedOperation.NetworkError
P FailedOperation.NoProjectPermission · P FailedOperation.NoRealNameAuth · P FailedOperation.OrderAlreadyReplaced
P FailedOperation.OrderReplaceFailed · T InternalError · P InvalidParameter.MissMatchPrivateKey
P InvalidParameter.WithDetailReason · T LimitExceeded.RateLimitExceeded`

/** https://www.tencentcloud.com/document/api/1007/36594, and one code seen in the wild. */
const COMMON = `
P ActionOffline · R AuthFailure.InvalidAuthorization · R AuthFailure.InvalidSecretId · R AuthFailure.MFAFailure
R AuthFailure.SecretIdNotFound · R AuthFailure.SignatureExpire · R AuthFailure.SignatureFailure
R AuthFailure.TokenFailure · P DryRunOperation · P InvalidAction · P InvalidParameter · P InvalidParameterValue
P InvalidRequest · P IpInBlacklist · P IpNotInWhitelist · P LimitExceeded · P MissingParameter · P NoSuchProduct
P NoSuchVersion · T RequestLimitExceeded · T RequestLimitExceeded.GlobalRegionUinLimitExceeded
T RequestLimitExceeded.IPLimitExceeded · T RequestLimitExceeded.UinLimitExceeded · P RequestSizeLimitExceeded
? ResourceInUse · ? ResourceInsufficient · P ResourceNotFound · T ResourceUnavailable · ? ResponseSizeLimitExceeded
T ServiceUnavailable · P UnauthorizedOperation · P UnknownParameter · P UnsupportedOperation · P UnsupportedProtocol
P UnsupportedRegion · P InvalidParameter.WithCaAttr`

/**
 * The codes documented for replacing, following, searching, silencing and deleting that are not among those above. None is
 * to be tried again as it was: what is to be done next, a search or the state of the job says, not a repetition.
 */
const REPLACE = `
P FailedOperation.BoundResources · P FailedOperation.CertificateDeployDetailRollbackStatusInvalid
P FailedOperation.CertificateDeployHasPendingRecord · P FailedOperation.CertificateDeployInstanceEmpty
P FailedOperation.CertificateDeployNotExist · P FailedOperation.CertificateDeployRetryStatusInvalid
P FailedOperation.CertificateDeployRollbackStatusInvalid · P FailedOperation.CertificateHostDeployCanNotAllow
P FailedOperation.CertificateHostResourceInnerInterrupt · P FailedOperation.CertificateHostResourceInstanceHugeLimit
P FailedOperation.CertificateHostResourceTypeInvalid · P FailedOperation.CertificateNotAvailable
P FailedOperation.CertificateNotDeployInstance · P FailedOperation.CertificateSyncTaskCertificateIdCountInvalid
P FailedOperation.CertificateSyncTaskIdInvalid · P FailedOperation.CertificateWhiteFuncError
P FailedOperation.DeleteFailedTimeNotUp · P FailedOperation.DeleteResourceFailed · P FailedOperation.RenewNotIssued
P FailedOperation.RoleNotFoundAuthorization · P InvalidParameter.CertificatesNumberExceeded
P InvalidParameterValue.IntermediateCertNotSame`

const CODES = `${UPLOAD} ·${COMMON} ·${REPLACE}`
  .split('·')
  .flatMap(text => text.split('\n'))
  .map(row => row.trim().split(' '))

/** An ambiguous credential fault is repaired once, any other tried a few times. */
const CLASSES: Readonly<Record<string, readonly Retry[]>> = {
  P: ['never'],
  T: ['backoff'],
  R: ['recover'],
  '?': ['backoff', 'recover'],
}

test.each(CODES.filter(row => row.length === 2) as [string, string][])(
  'class %s, with advice: %s',
  (kind, apiCode) => {
    const fault = faultOf(apiCode)
    expect(CLASSES[kind]).toContain(fault.retry)
    expect(fault.advice).toMatch(/\S.*[.?]$/)
    expect(fault).toMatchObject({ apiCode, requestId: 'request' })
    expect(fault.message).toBe(`the service answered ${apiCode}: message`)
    if (kind === '?' && fault.retry === 'backoff') expect(fault.tries).toBe(3)
  },
)

test.each<readonly [string, FaultCode]>([
  ['AuthFailure.SignatureExpire', 'API_CLOCK'],
  ['AuthFailure.SignatureFailure', 'API_CREDENTIALS'],
  ['AuthFailure.TokenFailure', 'API_CREDENTIALS'],
  ['AuthFailure.UnauthorizedOperation', 'API_FORBIDDEN'],
  ['FailedOperation.NoProjectPermission', 'API_PROJECT'],
  ['FailedOperation.CertificateExists', 'API_EXISTS'],
  ['FailedOperation.CertificateMatchError', 'API_REJECTED'],
  ['FailedOperation.NoRealNameAuth', 'API_ACCOUNT_ERROR'],
  ['LimitExceeded.RateLimitExceeded', 'API_THROTTLED'],
  ['RequestLimitExceeded.UinLimitExceeded', 'API_THROTTLED'],
  ['LimitExceeded', 'API_ACCOUNT_ERROR'],
  ['FailedOperation.RoleNotFoundAuthorization', 'API_ROLE_MISSING'],
  ['FailedOperation.CertificateDeployHasPendingRecord', 'API_REJECTED'],
  ['FailedOperation.CertificateDeployInstanceEmpty', 'API_REJECTED'],
  // of unknown codes the first word decides
  ['RequestLimitExceeded.SomethingNew', 'API_THROTTLED'],
  ['InternalError.BackendResponseEmpty', 'API_UNAVAILABLE'],
  ['AuthFailure.SomethingNew', 'API_CREDENTIALS'],
  ['InvalidParameter.SomethingNew', 'API_REJECTED'],
  ['InvalidParameterValue.SomethingNew', 'API_REJECTED'],
  ['FailedOperation.SystemError', 'API_UNKNOWN_ERROR'],
  ['ResourceNotFound.Manager', 'API_REJECTED'],
  ['LimitExceeded.SomethingNew', 'API_ACCOUNT_ERROR'],
  ['ServiceUnavailable.SomethingNew', 'API_UNAVAILABLE'],
  ['SomethingNew', 'API_UNKNOWN_ERROR'],
  ['SomethingNew.AuthFailure', 'API_UNKNOWN_ERROR'],
  ['', 'API_UNKNOWN_ERROR'],
  ['.', 'API_UNKNOWN_ERROR'],
  ['constructor', 'API_UNKNOWN_ERROR'],
  ['__proto__.toString', 'API_UNKNOWN_ERROR'],
])('code %j is %s', (apiCode, code) => {
  expect(faultOf(apiCode).code).toBe(code)
})

test.each([
  [
    'InvalidParameterValue',
    'A value specified in `X-TC-Region` is not valid.',
    'Correct or remove [tencent] region.',
  ],
  ['InvalidParameterValue', 'Invalid region: ap-nowhere', 'Correct or remove [tencent] region.'],
  ['InvalidParameter', 'The value type of parameter `ProjectId` is not valid', 'Correct project_id,'],
  ['InvalidParameterValue', 'The parameter `Alias` is too long.', 'Correct alias,'],
  ['InvalidParameterValue.Length', 'Tags.0.TagKey', 'Correct tags,'],
  [
    'UnknownParameter',
    '未知参数错误，传入了未定义的参数 `KeyPassword`。',
    'Correct what key_password_file contains',
  ],
  ['FailedOperation.InvalidParam', 'CertificateUse', 'Correct certificate_use,'],
  ['InvalidParameter.WithDetailReason', '参数有误：CertificateType 只能是 SVR 或 CA', 'Correct type,'],
  ['MissingParameter', 'The request is missing `CertificatePrivateKey`.', 'Run `certferry inspect`'],
  // the code says more than the parameter, or the message names none
  ['InvalidParameter.MissMatchPrivateKey', 'Region', 'certferry inspect'],
  ['FailedOperation.CertificateParseError', 'Alias', 'RSA 2048'],
  ['InvalidParameterValue', 'no', '[tencent] region and [upload]'],
  ['UnknownParameter', 'no', 'key_password_file'],
])('the advice for %s with the message "%s" is: %s', (code, message, advice) => {
  expect(faultOf(code, message).advice).toContain(advice)
})

test('an invalid header is a fault of the account, an invalid parameter one of the certificate', () => {
  expect(faultOf('InvalidParameterValue', 'A value specified in `X-TC-Region` is not valid.')).toMatchObject({
    code: 'API_ACCOUNT_ERROR',
    scope: 'account',
  })
  expect(faultOf('InvalidParameterValue', 'The parameter `Alias` is too long.').code).toBe('API_REJECTED')
})

test('an error code cannot control a terminal or fill a log', () => {
  const fault = faultOf(`Odd\u001b[2J\n${'x'.repeat(10_000)}`)
  expect(fault.apiCode).toHaveLength(100)
  expect(`${fault.apiCode}${fault.message}`).not.toMatch(/\p{Cc}/u)
})
