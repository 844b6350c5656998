/** The only error thrown on purpose: a code from one table that fixes retry class, exit code and advice. Pure. */

/** For what clients may refuse in a certificate that is sent all the same. */
export const FLAW_ADVICE =
  'Look at the chain with `certferry inspect`; have the ACME client write a chain whose certificates are valid.'

export const SEND_AGAIN = 'To send the same again: sync --force --only NAME.'

export const ADVICE = {
  // the operator's words
  USAGE: 'See `certferry --help`.',
  CONFIG_INVALID: 'Correct what is named above; the example configuration has every key.',
  CONFIG_UNREADABLE: 'Check the path and that this user may read the file.',
  ADDRESS_UNAVAILABLE:
    'The service tries again at its next start. See what uses it (ss -ltnp), or name another in [http] listen.',
  NAME_CONFLICT:
    'Give one of the two another name, as a source of kind "pem". If the other is no longer used: sync --force --only NAME.',

  // the disk
  NO_SOURCE: 'Name one: --source certbot=/etc/letsencrypt, or [[source]] in the configuration.',
  SOURCE_MISSING: 'Check the path of the source; it is looked for again at the next pass.',
  SOURCE_UNREADABLE: 'Let this user read the directory: run as root, or grant its group access.',
  LINEAGE_UNKNOWN: 'See the names with `certferry status`.',
  FILE_MISSING: 'Check the path; if the file is about to be written, the next pass finds it.',
  FILE_UNREADABLE: 'Let this user read the file: run as root, or grant its group access.',
  FILE_INVALID: 'Name a regular file of PEM text, at most 1 MiB.',
  FILE_UNAVAILABLE:
    'It is read again later. See that its disk or file server is well, and that memory is left.',
  TOO_MANY_OPEN_FILES: 'Let it open more files (LimitNOFILE=, ulimit -n), or see what else takes them.',
  PAIR_INCOMPLETE: 'A renewal seems to be under way. If this stays, see what the ACME client last logged.',
  PAIR_CHANGING: 'Nothing to do now: the next pass looks again.',
  CHAIN_INCOMPLETE: 'Nothing to do now: the next pass looks again.',
  KEY_MISMATCH:
    'A renewal seems to be under way. If this stays, the renewal failed half-way: run the ACME client again.',

  // what is in the files
  CERTIFICATE_INVALID: 'Look at the file with `certferry inspect`; have the ACME client write it anew.',
  KEY_INVALID: 'The key must be a PEM private key (PKCS#8, PKCS#1 or SEC1), RSA or EC.',
  KEY_ELSEWHERE:
    'Name certificate and key as a source of kind "pem", or leave this one out: exclude = true in a [[certificate]] of its name.',
  KEY_ENCRYPTED: 'Set key_password_file for this source, or store the key unencrypted.',
  KEY_PASSWORD_WRONG: 'Check what key_password_file of this source contains.',
  WRONG_KEY: 'Name the key of this certificate. If a renewal failed half-way, run the ACME client again.',
  MULTIPLE_LEAVES: 'Keep one server certificate in the chain file.',
  UNRELATED_CERTIFICATE: 'Keep the server certificate and its own issuers in the chain file, nothing else.',
  NOT_A_CA: 'A source without a key is uploaded as a CA certificate; for a server certificate name its key.',

  // decided against
  EXPIRED: 'Renew it with your ACME client, or remove the lineage.',
  NOT_YET_VALID: "Check this machine's clock; if it is right, a pass after that time uploads it.",
  OLDER_THAN_UPLOADED:
    'See why the files went back to an older certificate. To upload it all the same: sync --force --only NAME.',
  REJECTED_BEFORE:
    'Renew the certificate or change its settings. To send the same again: sync --force --only NAME.',

  // our own records
  STATE_DIR_UNUSABLE:
    'Name a directory this user may write with --state-dir, and see that its disk is not full.',
  UPLOAD_NOT_RECORDED: 'Nothing is stored twice: the next pass learns the same ID again.',
  HOOK_UNWRITABLE:
    'Run it as the user that runs the ACME client, and see that the disk is not full or read-only.',
  SETUP_UNWRITABLE: 'Run it as root: sudo certferry setup. See that the disk is not full or read-only.',
  SERVICE_FAILED: 'See what it said last: `journalctl -u certferry -n 20`.',

  // telling people
  NOTIFICATION_FAILED:
    'Try the command or webhook of [notify] by hand; what was to be told is told with the next news.',

  // the way there
  NETWORK: 'Check the network, DNS and proxy of this machine.',
  TLS: "Check the endpoint's name and this machine's clock; for a CA of your own set NODE_EXTRA_CA_CERTS.",
  TIMEOUT: 'Check the network and proxy; the next pass tries again.',
  DEADLINE: 'The next pass tries again; --deadline gives a hook more time.',
  INTERRUPTED: 'What was not sent is sent by the next pass.',
  REPLY_UNREADABLE: 'Something between here and the service answered in its place: check proxy and endpoint.',

  // the service's own answers; core/apiCodes.ts maps each code to one of these
  API_THROTTLED: "Other clients share the account's limit: lower rate_per_second if this stays.",
  API_UNAVAILABLE: 'The service is unwell; the next pass tries again.',
  API_UNKNOWN_ERROR: "Read the service's message; ask its support with the request ID if it stays.",
  API_CLOCK: "Set this machine's clock (timedatectl set-ntp true).",
  API_CREDENTIALS: 'Check SecretId and SecretKey; `certferry check` says which are in use.',
  API_FORBIDDEN: 'Grant this key the CAM policy QcloudSSLFullAccess, or the action ssl:UploadCertificate.',
  API_PROJECT: 'Correct project_id, or grant this key access to the project.',
  API_ACCOUNT_ERROR: "Settle this with the account in Tencent Cloud's console.",
  API_REJECTED:
    'It is not sent again until the certificate or its settings change. To send the same again: sync --force --only NAME.',
  API_EXISTS: 'The service has this certificate but names no ID; find it in the console.',

  // our credentials
  UPLOADS_PAUSED: 'Mend what is named; new credentials or a reload (SIGHUP) end the pause at once.',
  CREDENTIALS_MISSING:
    'Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or write /etc/tencentcloud/credentials.',
  CREDENTIALS_UNREADABLE: 'Correct the file or variable named above.',

  // ourselves
  INTERNAL_ERROR: 'This is an error in certferry: please report it with the lines above.',
} as const

/**
 * soon   the disk is mid-change: look again within seconds, then leave it to the next pass
 * later  the far side is unwell: back off and try again
 * repair our clock or our credentials are stale: mend the cause once, then try again
 * never  a person must act
 */
export type Retry = 'soon' | 'later' | 'repair' | 'never'

interface Kind {
  readonly retry: Retry
  readonly exit: number
  /** `account`: every certificate would meet the same answer, so the pass stops. */
  readonly scope?: 'account'
  /** Nobody answered, or not the service: every certificate would meet the same, until one gets through. */
  readonly silent?: true
  /** How often to try at most, where that is fewer than patience allows: for answers that may or may not pass. */
  readonly tries?: number
}

/**
 * Exit codes follow sysexits(3): 64 usage, 65 data, 66 input, 70 bug, 74 state, 75 try again later, 76 refused by the
 * service, 77 credentials or permission, 78 configuration. Never 2: acme.sh reads it as "skipped".
 */
const KINDS = {
  // the operator's words
  USAGE: { retry: 'never', exit: 64 },
  CONFIG_INVALID: { retry: 'never', exit: 78 },
  CONFIG_UNREADABLE: { retry: 'never', exit: 78 },
  // not 78, after which the units start nothing again: the configuration may be right
  ADDRESS_UNAVAILABLE: { retry: 'later', exit: 75 },
  NAME_CONFLICT: { retry: 'never', exit: 78 },

  // the disk
  NO_SOURCE: { retry: 'never', exit: 66 },
  SOURCE_MISSING: { retry: 'later', exit: 66 },
  SOURCE_UNREADABLE: { retry: 'later', exit: 66 },
  LINEAGE_UNKNOWN: { retry: 'never', exit: 66 },
  FILE_MISSING: { retry: 'soon', exit: 66 },
  FILE_UNREADABLE: { retry: 'later', exit: 66 },
  FILE_INVALID: { retry: 'never', exit: 66 },
  FILE_UNAVAILABLE: { retry: 'later', exit: 75 },
  TOO_MANY_OPEN_FILES: { retry: 'later', exit: 75 },
  PAIR_INCOMPLETE: { retry: 'soon', exit: 75 },
  PAIR_CHANGING: { retry: 'soon', exit: 75 },
  KEY_MISMATCH: { retry: 'soon', exit: 75 },
  CHAIN_INCOMPLETE: { retry: 'soon', exit: 75 },

  // what is in the files
  CERTIFICATE_INVALID: { retry: 'never', exit: 65 },
  KEY_INVALID: { retry: 'never', exit: 65 },
  KEY_ELSEWHERE: { retry: 'never', exit: 65 },
  KEY_ENCRYPTED: { retry: 'never', exit: 65 },
  KEY_PASSWORD_WRONG: { retry: 'never', exit: 65 },
  WRONG_KEY: { retry: 'never', exit: 65 },
  MULTIPLE_LEAVES: { retry: 'never', exit: 65 },
  UNRELATED_CERTIFICATE: { retry: 'never', exit: 65 },
  NOT_A_CA: { retry: 'never', exit: 65 },

  // decided against
  EXPIRED: { retry: 'never', exit: 65 },
  NOT_YET_VALID: { retry: 'later', exit: 75 },
  OLDER_THAN_UPLOADED: { retry: 'never', exit: 65 },
  REJECTED_BEFORE: { retry: 'never', exit: 76 },

  // our own records
  STATE_DIR_UNUSABLE: { retry: 'never', exit: 74, scope: 'account' },
  UPLOAD_NOT_RECORDED: { retry: 'never', exit: 74 },
  HOOK_UNWRITABLE: { retry: 'never', exit: 74 },
  SETUP_UNWRITABLE: { retry: 'never', exit: 74 },
  SERVICE_FAILED: { retry: 'later', exit: 75 },

  // telling people
  NOTIFICATION_FAILED: { retry: 'later', exit: 75 },

  // the way there
  NETWORK: { retry: 'later', exit: 75, silent: true },
  TLS: { retry: 'later', exit: 75, silent: true, tries: 3 },
  TIMEOUT: { retry: 'later', exit: 75, silent: true },
  DEADLINE: { retry: 'later', exit: 75 },
  INTERRUPTED: { retry: 'later', exit: 75, scope: 'account' },
  REPLY_UNREADABLE: { retry: 'later', exit: 75, silent: true },

  // the service's own answers; core/apiCodes.ts maps each code to one of these
  API_THROTTLED: { retry: 'later', exit: 75 },
  API_UNAVAILABLE: { retry: 'later', exit: 75 },
  API_UNKNOWN_ERROR: { retry: 'later', exit: 76, tries: 3 },
  API_CLOCK: { retry: 'repair', exit: 77, scope: 'account' },
  API_CREDENTIALS: { retry: 'repair', exit: 77, scope: 'account' },
  API_FORBIDDEN: { retry: 'never', exit: 77, scope: 'account' },
  API_PROJECT: { retry: 'never', exit: 77 },
  API_ACCOUNT_ERROR: { retry: 'never', exit: 76, scope: 'account' },
  API_REJECTED: { retry: 'never', exit: 76 },
  API_EXISTS: { retry: 'never', exit: 76 },

  // our credentials
  UPLOADS_PAUSED: { retry: 'later', exit: 77, scope: 'account' },
  CREDENTIALS_MISSING: { retry: 'never', exit: 77, scope: 'account' },
  CREDENTIALS_UNREADABLE: { retry: 'never', exit: 77, scope: 'account' },

  // ourselves
  INTERNAL_ERROR: { retry: 'never', exit: 70 },
} as const satisfies Record<string, Kind>

export type FaultCode = keyof typeof KINDS

export interface FaultDetail {
  readonly cause?: unknown
  /** Replaces the table's advice where something better is known. */
  readonly advice?: string
  /** The service's own code, for example `FailedOperation.CertificateParseError`. */
  readonly apiCode?: string
  readonly requestId?: string
  /** Replaces the table's, for one that is not to be tried again where others of its code are. */
  readonly tries?: number
}

export class Fault extends Error {
  readonly code: FaultCode
  readonly retry: Retry
  readonly exit: number
  readonly scope: 'certificate' | 'account'
  readonly silent: boolean
  readonly tries: number
  readonly advice: string
  readonly apiCode: string | undefined
  readonly requestId: string | undefined

  constructor(code: FaultCode, message: string, detail: FaultDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    const kind: Kind = KINDS[code]
    this.name = 'Fault'
    this.code = code
    this.retry = kind.retry
    this.exit = kind.exit
    this.scope = kind.scope ?? 'certificate'
    this.silent = kind.silent ?? false
    this.tries = detail.tries ?? kind.tries ?? Number.POSITIVE_INFINITY
    this.advice = detail.advice ?? ADVICE[code]
    this.apiCode = detail.apiCode
    this.requestId = detail.requestId
  }
}

/** When several lineages fail, the most severe decides. */
const SEVERITY = [70, 78, 77, 74, 76, 65, 66, 75] as const

export const mostSevereExitCode = (exits: readonly number[]): number =>
  SEVERITY.find(exit => exits.includes(exit)) ?? exits.find(exit => exit !== 0) ?? 0

/** The fault an aborted signal stands for; without a reason of ours it was the deadline. */
export const abortReason = ({ reason }: AbortSignal, message: string): Fault =>
  reason instanceof Fault && reason.code !== 'DEADLINE' ? reason : new Fault('DEADLINE', message)

/** The fault as it stands in `--json`; there is no member that could hold a secret. */
export const faultJson = (fault: Fault) => ({
  code: fault.code,
  apiCode: fault.apiCode ?? null,
  retry: fault.retry,
  message: fault.message,
  advice: fault.advice,
  ...(fault.requestId && { requestId: fault.requestId }),
})

/** A fault's members for a log entry; the message itself is the entry's. */
export function faultFields(fault: Fault) {
  const { message: _, ...fields } = faultJson(fault)
  return fields
}
