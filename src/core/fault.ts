/** The only error thrown on purpose: a code from one table that fixes retry class, exit code and advice. Pure. */
import { ADVICE } from './advice.ts'

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
  NAME_TAKEN: { retry: 'never', exit: 78 },

  // the disk
  NO_SOURCE: { retry: 'never', exit: 66 },
  SOURCE_MISSING: { retry: 'later', exit: 66 },
  SOURCE_UNREADABLE: { retry: 'later', exit: 66 },
  LINEAGE_UNKNOWN: { retry: 'never', exit: 66 },
  FILE_MISSING: { retry: 'soon', exit: 66 },
  FILE_UNREADABLE: { retry: 'later', exit: 66 },
  FILE_UNFIT: { retry: 'never', exit: 66 },
  FILE_UNAVAILABLE: { retry: 'later', exit: 75 },
  EXHAUSTED: { retry: 'later', exit: 75 },
  PAIR_INCOMPLETE: { retry: 'soon', exit: 75 },
  PAIR_CHANGING: { retry: 'soon', exit: 75 },
  KEY_MISMATCH: { retry: 'soon', exit: 75 },
  ISSUER_AWAITED: { retry: 'soon', exit: 75 },

  // what is in the files
  CERTIFICATE_INVALID: { retry: 'never', exit: 65 },
  KEY_INVALID: { retry: 'never', exit: 65 },
  KEY_ELSEWHERE: { retry: 'never', exit: 65 },
  KEY_ENCRYPTED: { retry: 'never', exit: 65 },
  KEY_PASSWORD_WRONG: { retry: 'never', exit: 65 },
  WRONG_KEY: { retry: 'never', exit: 65 },
  TWO_LEAVES: { retry: 'never', exit: 65 },
  CHAIN_STRANGER: { retry: 'never', exit: 65 },
  NOT_A_CA: { retry: 'never', exit: 65 },

  // decided against
  EXPIRED: { retry: 'never', exit: 65 },
  NOT_YET_VALID: { retry: 'later', exit: 75 },
  OLDER_THAN_UPLOADED: { retry: 'never', exit: 65 },
  REJECTED_BEFORE: { retry: 'never', exit: 76 },

  // our own records
  STATE_UNUSABLE: { retry: 'never', exit: 74, scope: 'account' },
  UNRECORDED: { retry: 'never', exit: 74 },
  HOOK_UNWRITABLE: { retry: 'never', exit: 74 },
  SETUP_UNWRITABLE: { retry: 'never', exit: 74 },
  DAEMON_DOWN: { retry: 'later', exit: 75 },

  // telling people
  NOTICE_UNSENT: { retry: 'later', exit: 75 },

  // the way there
  NETWORK: { retry: 'later', exit: 75, silent: true },
  TLS: { retry: 'later', exit: 75, silent: true, tries: 3 },
  TIMEOUT: { retry: 'later', exit: 75, silent: true },
  DEADLINE: { retry: 'later', exit: 75 },
  INTERRUPTED: { retry: 'later', exit: 75, scope: 'account' },
  REPLY_UNREADABLE: { retry: 'later', exit: 75, silent: true },

  // the service's own answers; core/apiCodes.ts maps each code to one of these
  API_THROTTLED: { retry: 'later', exit: 75 },
  API_UNWELL: { retry: 'later', exit: 75 },
  API_UNCLEAR: { retry: 'later', exit: 76, tries: 3 },
  API_CLOCK: { retry: 'repair', exit: 77, scope: 'account' },
  API_CREDENTIALS: { retry: 'repair', exit: 77, scope: 'account' },
  API_FORBIDDEN: { retry: 'never', exit: 77, scope: 'account' },
  API_PROJECT: { retry: 'never', exit: 77 },
  API_ACCOUNT: { retry: 'never', exit: 76, scope: 'account' },
  API_REJECTED: { retry: 'never', exit: 76 },
  API_EXISTS: { retry: 'never', exit: 76 },

  // our credentials
  PAUSED: { retry: 'later', exit: 77, scope: 'account' },
  CREDENTIALS_MISSING: { retry: 'never', exit: 77, scope: 'account' },
  CREDENTIALS_UNREADABLE: { retry: 'never', exit: 77, scope: 'account' },

  // ourselves
  BUG: { retry: 'never', exit: 70 },
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
