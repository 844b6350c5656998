/** Every error code of the service: its fault and, if the fault's own advice is too general, better advice. Pure. */
import { Fault, type FaultCode } from '../errors.ts'
import { withoutKeys } from '../secret.ts'
import { printableText } from '../terminal/text.ts'

type Row = readonly [FaultCode, advice?: string]

const PAIR = 'Run `certferry inspect` on chain and key; have the ACME client write both anew.'

const REGION = 'Correct or remove [tencent] region.'

const NOT_OURS = "Not an answer to an upload: ask the service's support with the request ID."

const OURS =
  'This is an error in certferry or a setting the service does not know: check [upload] and report it.'

/**
 * The 30 codes documented for UploadCertificate (tencentcloud-sdk-go, ssl/v20191205), one seen in the wild, and the
 * common codes (https://www.tencentcloud.com/document/api/1007/36594).
 */
const CODES: Readonly<Record<string, Row>> = {
  // UploadCertificate
  AuthFailure: ['API_CREDENTIALS'],
  'AuthFailure.UnauthorizedOperation': ['API_FORBIDDEN'],
  FailedOperation: ['API_UNKNOWN_ERROR'],
  'FailedOperation.AuthError': ['API_FORBIDDEN'],
  'FailedOperation.CAMAuthorizedFail': [
    'API_UNKNOWN_ERROR',
    "The service could not ask its access management (CAM); if it stays, check the key's policy.",
  ],
  'FailedOperation.CancelOrderFailed': ['API_REJECTED', NOT_OURS],
  'FailedOperation.CannotBeDeletedIssued': ['API_REJECTED', NOT_OURS],
  'FailedOperation.CannotBeDeletedWithinHour': ['API_REJECTED', NOT_OURS],
  'FailedOperation.CannotGetOrder': ['API_UNAVAILABLE'],
  'FailedOperation.CertificateCaError': [
    'API_REJECTED',
    'The content is not a CA certificate: for a server certificate set type = "SVR" and name its key.',
  ],
  'FailedOperation.CertificateChainError': [
    'API_REJECTED',
    'The service could not follow the chain: look at it with `certferry inspect`.',
  ],
  'FailedOperation.CertificateEncryptInvalid': [
    'API_REJECTED',
    'The service takes SM2 certificates by another way: use an RSA or EC certificate.',
  ],
  'FailedOperation.CertificateExists': ['API_EXISTS'],
  'FailedOperation.CertificateInvalid': ['API_REJECTED', PAIR],
  'FailedOperation.CertificateMatchError': ['API_REJECTED', PAIR],
  'FailedOperation.CertificateMismatch': ['API_REJECTED', PAIR],
  'FailedOperation.CertificateNotFound': ['API_REJECTED', NOT_OURS],
  'FailedOperation.CertificateParseError': [
    'API_REJECTED',
    'The service could not read it: a key type it does not take? RSA 2048 and P-256 are known to work.',
  ],
  'FailedOperation.ExceedsFreeLimit': [
    'API_ACCOUNT_ERROR',
    "The account's certificate quota is used up: delete old ones in the console, or raise it.",
  ],
  'FailedOperation.InvalidCertificateStatusCode': ['API_REJECTED', NOT_OURS],
  'FailedOperation.InvalidParam': [
    'API_REJECTED',
    "Check [upload] ([[source]], [[certificate]]) of the configuration against the service's message.",
  ],
  'FailedOperation.NetworkError': ['API_UNAVAILABLE'],
  'FailedOperation.NoProjectPermission': ['API_PROJECT'],
  'FailedOperation.NoRealNameAuth': [
    'API_ACCOUNT_ERROR',
    "Verify the account's identity in Tencent Cloud's console.",
  ],
  'FailedOperation.OrderAlreadyReplaced': ['API_REJECTED', NOT_OURS],
  'FailedOperation.OrderReplaceFailed': ['API_REJECTED', NOT_OURS],
  InternalError: ['API_UNAVAILABLE'],
  'InvalidParameter.MissMatchPrivateKey': ['API_REJECTED', PAIR],
  'InvalidParameter.WithDetailReason': [
    'API_REJECTED',
    "Check [upload] ([[source]], [[certificate]]) of the configuration against the service's message.",
  ],
  'LimitExceeded.RateLimitExceeded': ['API_THROTTLED'],
  'InvalidParameter.WithCaAttr': [
    'API_REJECTED',
    'A server certificate was sent as a CA certificate: set type = "SVR" and name its key.',
  ],

  // common to all actions
  ActionOffline: [
    'API_ACCOUNT_ERROR',
    'The service no longer offers this action: a newer certferry is needed.',
  ],
  'AuthFailure.InvalidAuthorization': [
    'API_CREDENTIALS',
    'Check SecretId and SecretKey for stray characters.',
  ],
  'AuthFailure.InvalidSecretId': [
    'API_CREDENTIALS',
    'This SecretId is no API key: create one under Access Key in the console.',
  ],
  'AuthFailure.MFAFailure': ['API_CREDENTIALS', 'Use an API key that needs no multi-factor confirmation.'],
  'AuthFailure.SecretIdNotFound': [
    'API_CREDENTIALS',
    'The key was deleted, disabled or mistyped, or belongs to the other site (mainland, international).',
  ],
  'AuthFailure.SignatureExpire': ['API_CLOCK'],
  'AuthFailure.SignatureFailure': [
    'API_CREDENTIALS',
    'The SecretKey does not belong to the SecretId, or has stray characters.',
  ],
  'AuthFailure.TokenFailure': [
    'API_CREDENTIALS',
    'The temporary token is wrong or has expired: provide a fresh one.',
  ],
  DryRunOperation: ['API_REJECTED', NOT_OURS],
  InvalidAction: ['API_ACCOUNT_ERROR', 'Is the endpoint one of the SSL service? Check [tencent] endpoint.'],
  InvalidParameter: ['API_REJECTED', OURS],
  InvalidParameterValue: [
    'API_REJECTED',
    "Check [tencent] region and [upload] ([[source]], [[certificate]]) against the service's message.",
  ],
  InvalidRequest: ['API_REJECTED', OURS],
  IpInBlacklist: [
    'API_FORBIDDEN',
    "This machine's address is blocked for the account: see its access rules.",
  ],
  IpNotInWhitelist: [
    'API_FORBIDDEN',
    "This machine's address is not allowed for the account: see its access rules.",
  ],
  LimitExceeded: ['API_ACCOUNT_ERROR', 'A quota of the account is used up: raise it, or delete what is old.'],
  MissingParameter: ['API_REJECTED', OURS],
  NoSuchProduct: ['API_ACCOUNT_ERROR', 'Is the endpoint one of the SSL service? Check [tencent] endpoint.'],
  NoSuchVersion: [
    'API_ACCOUNT_ERROR',
    'The service no longer offers this version: a newer certferry is needed.',
  ],
  OperationDenied: ['API_FORBIDDEN'],
  RequestLimitExceeded: ['API_THROTTLED'],
  'RequestLimitExceeded.GlobalRegionUinLimitExceeded': ['API_THROTTLED'],
  'RequestLimitExceeded.IPLimitExceeded': ['API_THROTTLED'],
  'RequestLimitExceeded.UinLimitExceeded': ['API_THROTTLED'],
  RequestSizeLimitExceeded: [
    'API_REJECTED',
    'The chain is larger than the service takes: keep only what belongs to it.',
  ],
  ResourceInUse: ['API_UNKNOWN_ERROR'],
  ResourceInsufficient: ['API_UNKNOWN_ERROR'],
  ResourceNotFound: ['API_REJECTED', NOT_OURS],
  ResourceUnavailable: ['API_UNAVAILABLE'],
  ResponseSizeLimitExceeded: ['API_UNKNOWN_ERROR'],
  ServiceUnavailable: ['API_UNAVAILABLE'],
  UnauthorizedOperation: ['API_FORBIDDEN'],
  UnknownParameter: [
    'API_REJECTED',
    'This site does not know a parameter of [upload] (key_password_file works on the mainland site only).',
  ],
  UnsupportedOperation: ['API_ACCOUNT_ERROR', OURS],
  UnsupportedProtocol: ['API_ACCOUNT_ERROR', OURS],
  UnsupportedRegion: ['API_ACCOUNT_ERROR', REGION],
}

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
  return `Correct ${setting}, which stands in [upload], [[source]] or [[certificate]] of the configuration.`
}

/** Codes for anything that is wrong in a request. */
const VAGUE =
  /^(InvalidParameter|InvalidParameterValue|InvalidRequest|MissingParameter|UnknownParameter|FailedOperation\.InvalidParam)(?![A-Za-z])/

/** Advice for the parameter that the message names, or else for the code. */
export function adviceOn(apiCode: string, message: string): string | undefined {
  const own = rowOf(apiCode)?.[1]
  const named = VAGUE.test(apiCode) && !SPECIFIC.has(apiCode)
  return (named && PARAMETERS.find(([name]) => name.test(message))?.[1]) || own
}

/** Beside what their first word says. */
const SPECIFIC: ReadonlySet<string> = new Set([
  'InvalidParameter.MissMatchPrivateKey',
  'InvalidParameter.WithCaAttr',
])

/** Headers are the same for every certificate, so a wrong one is a fault of the account, not of a certificate. */
const HEADER = /\bX-TC-\w+/i

const row = (code: string): Row | undefined => (Object.hasOwn(CODES, code) ? CODES[code] : undefined)

const rowOf = (code: string): Row | undefined => row(code) ?? row(code.split('.', 1)[0] ?? '')

export const KNOWN_CODES = Object.keys(CODES)

/**
 * The service's error as a fault with its code, message and request ID. An unknown code is classed by its first word, or
 * else tried a few times.
 */
export function apiFault(said: string, message: string, requestId: string | undefined): Fault {
  const apiCode = printableText(withoutKeys(said), 100)
  const [known] = rowOf(apiCode) ?? (['API_UNKNOWN_ERROR'] as const)
  const code = known === 'API_REJECTED' && HEADER.test(message) ? 'API_ACCOUNT_ERROR' : known
  const advice = adviceOn(apiCode, message)
  return new Fault(code, `the service answered ${apiCode}: ${printableText(withoutKeys(message))}`, {
    apiCode,
    ...(advice && { advice }),
    ...(requestId && { requestId }),
  })
}
