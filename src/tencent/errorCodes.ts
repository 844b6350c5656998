/** The service's error codes: for each its fault and, if the fault's own advice is too general, better advice. Pure. */
import { Fault, type FaultCode } from '../errors.ts'
import { withoutKeys } from '../secret.ts'
import { printableText } from '../terminal/text.ts'

const PAIR = 'Run `certferry inspect` on chain and key; have the ACME client write both again.'

const REGION = 'Correct or remove [tencent] region.'

/**
 * The codes documented for UploadCertificate (tencentcloud-sdk-go, ssl/v20191205), one seen in the wild, and the common
 * codes (https://www.tencentcloud.com/document/api/1007/36594), separated by blanks. A code of two words that is not here is
 * treated as its first word.
 */
// biome-ignore format: a table, one meaning a row
const RULES: ReadonlyArray<readonly [codes: string, fault: FaultCode, advice?: string]> = [
  // the service and its limits
  ['InternalError ServiceUnavailable ResourceUnavailable FailedOperation.CannotGetOrder FailedOperation.NetworkError',
    'API_UNAVAILABLE'],
  ['RequestLimitExceeded LimitExceeded.RateLimitExceeded', 'API_THROTTLED'],
  ['FailedOperation ResourceInUse ResourceInsufficient ResponseSizeLimitExceeded', 'API_UNKNOWN_ERROR'],
  ['FailedOperation.CAMAuthorizedFail', 'API_UNKNOWN_ERROR',
    "The service could not ask its access management (CAM); if it stays, check the key's policy."],

  // the credentials
  ['AuthFailure', 'API_CREDENTIALS'],
  ['AuthFailure.SignatureExpire', 'API_CLOCK'],
  ['AuthFailure.InvalidAuthorization', 'API_CREDENTIALS', 'Check SecretId and SecretKey for stray characters.'],
  ['AuthFailure.InvalidSecretId', 'API_CREDENTIALS',
    'This SecretId is no API key: create one under Access Key in the console.'],
  ['AuthFailure.MFAFailure', 'API_CREDENTIALS', 'Use an API key that needs no multi-factor confirmation.'],
  ['AuthFailure.SecretIdNotFound', 'API_CREDENTIALS',
    'The key was deleted, disabled or mistyped, or belongs to the other site (mainland, international): `certferry setup` changes both.'],
  ['AuthFailure.SignatureFailure', 'API_CREDENTIALS',
    'The SecretKey does not belong to the SecretId, or has stray characters.'],
  ['AuthFailure.TokenFailure', 'API_CREDENTIALS',
    'The temporary token is wrong or has expired: provide a fresh one.'],
  ['AuthFailure.UnauthorizedOperation UnauthorizedOperation OperationDenied FailedOperation.AuthError', 'API_FORBIDDEN'],
  ['IpInBlacklist', 'API_FORBIDDEN', "This machine's address is blocked for the account: see its access rules."],
  ['IpNotInWhitelist', 'API_FORBIDDEN',
    "This machine's address is not allowed for the account: see its access rules."],

  // the account
  ['FailedOperation.NoProjectPermission', 'API_PROJECT'],
  ['FailedOperation.NoRealNameAuth', 'API_ACCOUNT_ERROR',
    "Verify the account's identity in Tencent Cloud's console."],
  ['FailedOperation.ExceedsFreeLimit', 'API_ACCOUNT_ERROR',
    "The account's certificate quota is used up: delete old ones in the console, or raise it."],
  ['LimitExceeded', 'API_ACCOUNT_ERROR', 'A quota of the account is used up: raise it, or delete what is old.'],
  ['InvalidAction NoSuchProduct', 'API_ACCOUNT_ERROR',
    'Is the endpoint one of the SSL service? Check [tencent] endpoint.'],
  ['ActionOffline NoSuchVersion', 'API_ACCOUNT_ERROR',
    'The service no longer offers this action or version: a newer certferry is needed.'],
  ['UnsupportedRegion', 'API_ACCOUNT_ERROR', REGION],
  ['UnsupportedOperation UnsupportedProtocol', 'API_ACCOUNT_ERROR',
    'This is an error in certferry or a setting the service does not know: check [upload] and report it.'],

  // the certificate
  ['FailedOperation.CertificateExists', 'API_EXISTS'],
  ['FailedOperation.CertificateInvalid FailedOperation.CertificateMatchError FailedOperation.CertificateMismatch InvalidParameter.MissMatchPrivateKey',
    'API_REJECTED', PAIR],
  ['FailedOperation.CertificateCaError', 'API_REJECTED',
    'The content is not a CA certificate: for a server certificate set type = "SVR" and name its key.'],
  ['InvalidParameter.WithCaAttr', 'API_REJECTED',
    'A server certificate was sent as a CA certificate: set type = "SVR" and name its key.'],
  ['FailedOperation.CertificateChainError', 'API_REJECTED',
    'The service could not follow the chain: see `certferry inspect`.'],
  ['FailedOperation.CertificateEncryptInvalid', 'API_REJECTED',
    'This action takes no SM2 certificates: use an RSA or EC certificate.'],
  ['FailedOperation.CertificateParseError', 'API_REJECTED',
    'The service could not read it: a key type it does not take? RSA 2048 and P-256 are known to work.'],
  ['RequestSizeLimitExceeded', 'API_REJECTED',
    'The chain is larger than the service takes: keep only what belongs to it.'],

  // the settings
  ['FailedOperation.InvalidParam InvalidParameter.WithDetailReason', 'API_REJECTED',
    "Check [upload] ([[source]], [[certificate]]) of the configuration against the service's message."],
  ['InvalidParameterValue', 'API_REJECTED',
    "Check [tencent] region and [upload] ([[source]], [[certificate]]) against the service's message."],
  ['UnknownParameter', 'API_REJECTED',
    'This site does not know a parameter of [upload] (key_password_file works on the mainland site only).'],
  ['InvalidParameter InvalidRequest MissingParameter', 'API_REJECTED',
    'This is an error in certferry or a setting the service does not know: check [upload] and report it.'],

  // putting a certificate in place; what decides is a survey, not the code
  ['FailedOperation.RoleNotFoundAuthorization', 'API_ROLE_MISSING'],
  ['FailedOperation.CertificateDeployHasPendingRecord', 'API_REJECTED',
    'Another job of the account is under way for this certificate; the next run asks again.'],
  ['FailedOperation.CertificateDeployInstanceEmpty FailedOperation.CertificateNotDeployInstance', 'API_REJECTED',
    'The service finds no resource that may get the new certificate: compare names and regions with `certferry status NAME`.'],
  ['FailedOperation.CertificateHostDeployCanNotAllow FailedOperation.CertificateHostResourceInnerInterrupt', 'API_REJECTED',
    'The service cannot replace this one by a job: bind the new certificate in the console.'],
  ['FailedOperation.CertificateHostResourceInstanceHugeLimit', 'API_REJECTED',
    'The account has more resources than one job takes: name the products with types = [...] in [deploy].'],
  ['FailedOperation.CertificateHostResourceTypeInvalid', 'API_REJECTED',
    'This site does not know one of the products: leave it out with except = [...] in [deploy].'],
  ['FailedOperation.CertificateNotAvailable', 'API_REJECTED',
    'One of the two certificates is expired, revoked or not usable: see both in the console.'],
  ['InvalidParameterValue.IntermediateCertNotSame', 'API_REJECTED',
    'The service wants the same intermediate certificate: bind the new certificate in the console.'],
  ['FailedOperation.CertificateDeployNotExist FailedOperation.CertificateDeployRetryStatusInvalid ' +
    'FailedOperation.CertificateDeployRollbackStatusInvalid FailedOperation.CertificateDeployDetailRollbackStatusInvalid ' +
    'FailedOperation.CertificateSyncTaskIdInvalid FailedOperation.CertificateSyncTaskCertificateIdCountInvalid ' +
    'FailedOperation.CertificateWhiteFuncError FailedOperation.BoundResources FailedOperation.DeleteResourceFailed ' +
    'FailedOperation.DeleteFailedTimeNotUp FailedOperation.RenewNotIssued ' +
    'InvalidParameter.CertificatesNumberExceeded', 'API_REJECTED',
    'The next run reads the job again.'],

  // documented, but not for what an upload does
  ['FailedOperation.CancelOrderFailed FailedOperation.CannotBeDeletedIssued FailedOperation.CannotBeDeletedWithinHour ' +
    'FailedOperation.CertificateNotFound FailedOperation.InvalidCertificateStatusCode FailedOperation.OrderAlreadyReplaced ' +
    'FailedOperation.OrderReplaceFailed DryRunOperation ResourceNotFound', 'API_REJECTED',
    "Not an answer to an upload: ask the service's support with the request ID."],
]

const CODES = new Map(
  RULES.flatMap(([codes, fault, advice]) => codes.split(' ').map(code => [code, { fault, advice }] as const)),
)

const ruleOf = (code: string) => CODES.get(code) ?? CODES.get(code.split('.', 1)[0] ?? '')

/** Advice by the parameter that a message names; the names are the same in both languages. */
const PARAMETERS: ReadonlyArray<readonly [name: RegExp, advice: string]> = [
  [/\bX-TC-Region\b/i, REGION],
  [/\bX-TC-Language\b/i, 'Correct or remove [tencent] language.'],
  [/\bAlias\b/, inUpload('alias')],
  [/\bProjectId\b/, inUpload('project_id')],
  [/\bCertificateUse\b/, inUpload('certificate_use')],
  [/\bTags?\b|\bTag(Key|Value)\b/, inUpload('tags')],
  [/\bCertificateType\b/, inUpload('type')],
  [/\bRepeatable\b/, inUpload('repeatable')],
  [
    /\bKeyPassword\b/,
    'Correct what key_password_file contains, or store the key unencrypted and remove that setting: only the mainland site takes it.',
  ],
  [/\bCertificate(Public|Private)Key\b/, PAIR],
  [/\bRegion\b/i, REGION],
]

function inUpload(setting: string): string {
  return `Correct ${setting}, which is set in [upload], [[source]] or [[certificate]] of the configuration.`
}

/** Codes for anything that is wrong in a request; the message names the parameter. */
const VAGUE =
  /^(InvalidParameter|InvalidParameterValue|InvalidRequest|MissingParameter|UnknownParameter|FailedOperation\.InvalidParam)(?![A-Za-z])/

/** These name what is wrong by themselves. */
const SPECIFIC = /^InvalidParameter\.(MissMatchPrivateKey|WithCaAttr)$/

/** Advice for the parameter that the message names, or else for the code. */
export function adviceOn(apiCode: string, message: string): string | undefined {
  const isVague = VAGUE.test(apiCode) && !SPECIFIC.test(apiCode)
  const parameter = isVague ? PARAMETERS.find(([name]) => name.test(message)) : undefined
  return parameter?.[1] ?? ruleOf(apiCode)?.advice
}

/** Headers are the same for every certificate, so a wrong one is a fault of the account, not of a certificate. */
const HEADER = /\bX-TC-\w+/i

/** The service's error as a fault with its code, message and request ID. An unknown code is tried a few times. */
export function apiFault(code: string, message: string, requestId: string | undefined): Fault {
  const apiCode = printableText(withoutKeys(code), 100)
  const { fault = 'API_UNKNOWN_ERROR' } = ruleOf(apiCode) ?? {}
  const advice = adviceOn(apiCode, message)
  return new Fault(
    fault === 'API_REJECTED' && HEADER.test(message) ? 'API_ACCOUNT_ERROR' : fault,
    `the service answered ${apiCode}: ${printableText(withoutKeys(message))}`,
    { apiCode, ...(advice && { advice }), ...(requestId && { requestId }) },
  )
}
