/** The only error thrown on purpose: a code from one table that fixes retry class, exit code and advice. Pure. */

/** For what clients may refuse in a certificate that is sent all the same. */
export const FLAW_ADVICE =
  'Check the chain with `certferry inspect`; have the ACME client write a chain whose certificates are valid.'

export const SEND_AGAIN = 'To send it again unchanged: sync --force --only NAME.'

/**
 * recheck  the files are mid-change: check again within seconds, then leave it to the next run
 * backoff  the service or the network fails: retry after growing pauses
 * recover  this machine's clock or credentials are stale: fix the cause once, then retry
 * never    a person must act
 */
export type Retry = 'recheck' | 'backoff' | 'recover' | 'never'

interface FaultClass {
  readonly retry: Retry
  readonly exit: number
  /** Every certificate would get the same answer, so all uploads stop. */
  readonly scope?: 'account'
  /** There was no answer from the service: an outage, if other uploads fail in the same way. */
  readonly silent?: true
  /** Fewer attempts than the schedule allows, for answers that may be permanent. */
  readonly tries?: number
  /** What to do next. */
  readonly advice: string
}

/**
 * Exit codes follow sysexits(3): 64 usage, 65 data, 66 input, 70 bug, 74 state, 75 try again later, 76 refused by the
 * service, 69 a replacement failed or an edge stays stale, 77 credentials or permission, 78 configuration. Never 2: acme.sh reads it as "skipped".
 */
// biome-ignore format: a table, one code a row
export const FAULTS = {
  // the operator's words
  USAGE: { retry: 'never', exit: 64, advice: 'See `certferry --help`.' },
  CONFIG_INVALID: { retry: 'never', exit: 78,
    advice: 'Correct what is named above; the example configuration has every key.' },
  CONFIG_UNREADABLE: { retry: 'never', exit: 78,
    advice: 'Check the path and that this user may read the file.' },
  // not 78, after which the units start nothing again: the configuration may be right
  ADDRESS_UNAVAILABLE: { retry: 'backoff', exit: 75,
    advice: 'See what uses the address (ss -ltnp), or set another in [http] listen. The service tries again at its next start.' },
  NAME_CONFLICT: { retry: 'never', exit: 78,
    advice: 'Give one of the two another name, as a source of kind "pem". If the other is no longer used: sync --force --only NAME.' },

  // the disk
  NO_SOURCE: { retry: 'never', exit: 66,
    advice: 'Name one: --source certbot=/etc/letsencrypt, or [[source]] in the configuration.' },
  SOURCE_MISSING: { retry: 'backoff', exit: 66,
    advice: 'Check the path of the source; the next run checks it again.' },
  SOURCE_UNREADABLE: { retry: 'backoff', exit: 66,
    advice: 'Let this user read the directory: run as root, or grant its group access.' },
  LINEAGE_UNKNOWN: { retry: 'never', exit: 66, advice: 'See the names with `certferry status`.' },
  FILE_MISSING: { retry: 'recheck', exit: 66,
    advice: 'Check the path; if the file is about to be written, the next run finds it.' },
  FILE_UNREADABLE: { retry: 'backoff', exit: 66,
    advice: 'Let this user read the file: run as root, or grant its group access.' },
  FILE_INVALID: { retry: 'never', exit: 66, advice: 'Name a regular file of PEM text, at most 1 MiB.' },
  FILE_UNAVAILABLE: { retry: 'backoff', exit: 75,
    advice: 'It is read again later. Check its disk or file server, and that there is free memory.' },
  TOO_MANY_OPEN_FILES: { retry: 'backoff', exit: 75,
    advice: 'Let it open more files (LimitNOFILE=, ulimit -n), or see which process uses them.' },
  PAIR_INCOMPLETE: { retry: 'recheck', exit: 75,
    advice: 'A renewal seems to be under way. If this stays, see what the ACME client last logged.' },
  PAIR_CHANGING: { retry: 'recheck', exit: 75, advice: 'Nothing to do now: the next run checks again.' },
  KEY_MISMATCH: { retry: 'recheck', exit: 75,
    advice: 'A renewal seems to be under way. If this stays, the renewal failed half-way: run the ACME client again.' },
  CHAIN_INCOMPLETE: { retry: 'recheck', exit: 75, advice: 'Nothing to do now: the next run checks again.' },

  // what is in the files
  CERTIFICATE_INVALID: { retry: 'never', exit: 65,
    advice: 'Check the file with `certferry inspect`; have the ACME client write it again.' },
  KEY_INVALID: { retry: 'never', exit: 65,
    advice: 'The key must be a PEM private key (PKCS#8, PKCS#1 or SEC1), RSA or EC.' },
  KEY_ELSEWHERE: { retry: 'never', exit: 65,
    advice: 'Name certificate and key as a source of kind "pem", or exclude this one: exclude = true in a [[certificate]] that matches it.' },
  KEY_ENCRYPTED: { retry: 'never', exit: 65,
    advice: 'Set key_password_file for this source, or store the key unencrypted.' },
  KEY_PASSWORD_WRONG: { retry: 'never', exit: 65,
    advice: 'Check what key_password_file of this source contains.' },
  WRONG_KEY: { retry: 'never', exit: 65,
    advice: 'Name the key of this certificate. If a renewal failed half-way, run the ACME client again.' },
  MULTIPLE_LEAVES: { retry: 'never', exit: 65, advice: 'Keep one server certificate in the chain file.' },
  UNRELATED_CERTIFICATE: { retry: 'never', exit: 65,
    advice: 'Keep only the server certificate and its issuers in the chain file.' },
  NOT_A_CA: { retry: 'never', exit: 65,
    advice: 'A source without a key is uploaded as a CA certificate; for a server certificate name its key.' },

  // decided against
  EXPIRED: { retry: 'never', exit: 65, advice: 'Renew it with your ACME client, or remove the lineage.' },
  NOT_YET_VALID: { retry: 'backoff', exit: 75,
    advice: "Check this machine's clock; if it is right, a run after that time uploads it." },
  OLDER_THAN_UPLOADED: { retry: 'never', exit: 65,
    advice: 'Find out why the files went back to an older certificate. To upload it anyway: sync --force --only NAME.' },
  REJECTED_BEFORE: { retry: 'never', exit: 76,
    advice: 'Renew the certificate or change its settings. To send it again unchanged: sync --force --only NAME.' },

  // our own records
  STATE_DIR_UNUSABLE: { retry: 'never', exit: 74, scope: 'account',
    advice: 'Name a directory this user may write with --state-dir, and see that its disk is not full.' },
  UPLOAD_NOT_RECORDED: { retry: 'never', exit: 74,
    advice: 'Nothing is stored twice: the next run gets the same ID again.' },
  HOOK_UNWRITABLE: { retry: 'never', exit: 74,
    advice: 'Run it as the user that runs the ACME client, and see that the disk is not full or read-only.' },
  SETUP_UNWRITABLE: { retry: 'never', exit: 74,
    advice: 'Run it as root: sudo certferry setup. See that the disk is not full or read-only.' },
  SERVICE_FAILED: { retry: 'backoff', exit: 75,
    advice: 'See its last messages: `journalctl -u certferry -n 20`.' },

  // telling people
  NOTIFICATION_FAILED: { retry: 'backoff', exit: 75,
    advice: 'Test it with `certferry notify --test`; unsent messages are sent with the next notification.' },

  // the network
  NETWORK: { retry: 'backoff', exit: 75, silent: true,
    advice: 'Check the network, DNS and proxy of this machine.' },
  TLS: { retry: 'backoff', exit: 75, silent: true, tries: 3,
    advice: "Check the endpoint's name and this machine's clock; for a CA of your own set NODE_EXTRA_CA_CERTS." },
  TIMEOUT: { retry: 'backoff', exit: 75, silent: true,
    advice: 'Check the network and proxy; the next run tries again.' },
  DEADLINE: { retry: 'backoff', exit: 75,
    advice: 'The next run tries again; --deadline gives a hook more time.' },
  INTERRUPTED: { retry: 'backoff', exit: 75, scope: 'account',
    advice: 'The next run uploads what is missing.' },
  REPLY_UNREADABLE: { retry: 'backoff', exit: 75, silent: true,
    advice: 'Another server answered instead of the service: check proxy and endpoint.' },

  // the service's own answers; tencent/errorCodes.ts maps each code to one of these
  API_THROTTLED: { retry: 'backoff', exit: 75,
    advice: "Other clients share the account's limit: lower rate_per_second if this stays." },
  API_UNAVAILABLE: { retry: 'backoff', exit: 75,
    advice: 'The service reports an internal error; the next run tries again.' },
  API_UNKNOWN_ERROR: { retry: 'backoff', exit: 76, tries: 3,
    advice: "Read the service's message. If it stays, give the request ID to the service's support." },
  API_CLOCK: { retry: 'recover', exit: 77, scope: 'account',
    advice: "Set this machine's clock (timedatectl set-ntp true)." },
  API_CREDENTIALS: { retry: 'recover', exit: 77, scope: 'account',
    advice: 'Check SecretId and SecretKey; `certferry check` says which are in use.' },
  API_FORBIDDEN: { retry: 'never', exit: 77, scope: 'account',
    advice: 'Grant this key the CAM policy QcloudSSLFullAccess, or the action ssl:UploadCertificate.' },
  API_ROLE_MISSING: { retry: 'never', exit: 77,
    advice: 'Create the service role once, as an administrator: certferry check prints the command and the console page.' },
  API_PROJECT: { retry: 'never', exit: 77,
    advice: 'Correct project_id, or grant this key access to the project.' },
  API_ACCOUNT_ERROR: { retry: 'never', exit: 76, scope: 'account',
    advice: "Correct this for the account in Tencent Cloud's console." },
  API_REJECTED: { retry: 'never', exit: 76,
    advice: 'It is not sent again until the certificate or its settings change. To send it again unchanged: sync --force --only NAME.' },
  API_EXISTS: { retry: 'never', exit: 76,
    advice: 'The service has this certificate but names no ID; find it in the console.' },

  // putting a certificate in place
  REPLACEMENT_RUNNING: { retry: 'backoff', exit: 75,
    advice: 'Nothing to do now: the service works on it, and the next run or the daemon follows it.' },
  NOT_COVERED: { retry: 'never', exit: 65,
    advice: 'Issue a certificate with these names, or bind another to them.' },
  NOT_TRUSTED: { retry: 'never', exit: 65,
    advice: 'Issue it by a public authority. If clients know its root: allow_untrusted = true in [deploy].' },
  REPLACEMENT_HELD: { retry: 'never', exit: 65,
    advice: 'To put it in place anyway: certferry replace NAME --force.' },
  REPLACEMENT_FAILED: { retry: 'backoff', exit: 69,
    advice: 'See each resource with `certferry status NAME`; the next run retries those that are left.' },
  EDGE_STALE: { retry: 'backoff', exit: 69,
    advice: "The service reports that nothing uses the older certificate, but it is still served. See the resource in the console, and what is in front of it." },

  // our credentials
  UPLOADS_PAUSED: { retry: 'backoff', exit: 77, scope: 'account',
    advice: 'Fix the fault that is named; new credentials or a reload (SIGHUP) end the pause at once.' },
  CREDENTIALS_MISSING: { retry: 'never', exit: 77, scope: 'account',
    advice: 'Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or write /etc/tencentcloud/credentials.' },
  CREDENTIALS_UNREADABLE: { retry: 'never', exit: 77, scope: 'account',
    advice: 'Correct the file or variable named above.' },

  // ourselves
  INTERNAL_ERROR: { retry: 'never', exit: 70,
    advice: 'This is an error in certferry: please report it, with the lines above, where you got certferry from.' },
} as const satisfies Record<string, FaultClass>

export type FaultCode = keyof typeof FAULTS

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
    const kind: FaultClass = FAULTS[code]
    this.name = 'Fault'
    this.code = code
    this.retry = kind.retry
    this.exit = kind.exit
    this.scope = kind.scope ?? 'certificate'
    this.silent = kind.silent ?? false
    this.tries = detail.tries ?? kind.tries ?? Number.POSITIVE_INFINITY
    this.advice = detail.advice ?? kind.advice
    this.apiCode = detail.apiCode
    this.requestId = detail.requestId
  }
}

/** When several lineages fail, the most severe decides. */
const SEVERITY = [70, 78, 77, 74, 76, 69, 65, 66, 75] as const

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
