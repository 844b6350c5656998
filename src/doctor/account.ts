/** What the service's answer tells of clock, credentials and permission, each only where the one before it holds. Pure. */
import { Fault } from '../errors.ts'
import { durationText } from '../terminal/text.ts'
import { type Finding, failure, ok, skipped, warning } from './finding.ts'

/** The one action that uploading needs. */
export const REQUIRED_ACTIONS = 'ssl:UploadCertificate'

/** As Cloud Access Management takes it: upload, find the ID of what is there already, and this program's own check. */
export const POLICY = `{"version": "2.0", "statement": [{"effect": "allow", "resource": ["*"],
  "action": ["ssl:UploadCertificate", "ssl:CheckCertificateExist",
             "ssl:DescribeCertificates"]}]}`

export interface ServiceReply {
  /** The service itself answered. */
  readonly reached: boolean
  /** Seconds to add to this machine's clock. */
  readonly offset: number
  /** Where the credentials come from, or why there are none. */
  readonly credentials: string | Fault
  /** What it refused the request for: clock, credentials or permission. */
  readonly refusal: Fault | undefined
  /** The day something was last uploaded to it. */
  readonly lastUpload: string | undefined
}

const REFUSALS: ReadonlySet<string> = new Set(['API_CLOCK', 'API_CREDENTIALS', 'API_FORBIDDEN'])

/** Whether a fault is the service's word on who asks, and not one on how the service is. */
export const isAccountError = ({ code }: Fault): boolean => REFUSALS.has(code)

export const accountFindings = (verdict: ServiceReply): readonly Finding[] => [
  clockFinding(verdict),
  credentialsFinding(verdict),
  permissionFinding(verdict),
]

const SET_CLOCK = { command: 'sudo timedatectl set-ntp true' }

/** In seconds. The service's Date counts whole ones, so two are no difference. */
const EXACT = 2

const DRIFTING = 60

const REFUSED = 300

function clockFinding({ reached, offset, refusal }: ServiceReply): Finding {
  if (!reached) return skipped('clock', 'not reached')
  const off = Math.abs(offset)
  const says = `${durationText(off)} ${offset > 0 ? 'slow' : 'fast'}; the service allows 5 minutes`
  if (refusal?.code === 'API_CLOCK')
    return { ...failure('clock', refusal, SET_CLOCK), says: off > DRIFTING ? says : refusal.message }
  if (off > REFUSED) return failure('clock', new Fault('API_CLOCK', says), SET_CLOCK)
  if (off > DRIFTING) return warning('clock', says, SET_CLOCK)
  return ok('clock', off <= EXACT ? "matches the service's clock" : says)
}

const SETUP = 'sudo certferry setup'

function credentialsFinding({ reached, credentials, refusal }: ServiceReply): Finding {
  if (typeof credentials !== 'string')
    return failure('credentials', credentials, { advice: credentials.advice, command: SETUP })
  const from = `from ${credentials}`
  if (!reached || refusal?.code === 'API_CLOCK') return skipped('credentials', `${from}; not tested`)
  if (refusal?.code === 'API_CREDENTIALS')
    return {
      ...failure('credentials', refusal, { advice: refusal.advice, command: SETUP }),
      says: `${from}: ${refusal.message}`,
    }
  return ok(
    'credentials',
    credentials === 'environment'
      ? "accepted, from this shell's environment, which hooks, cron and the service do not share"
      : `accepted, ${from}`,
  )
}

/** The action itself is denied, and not the machine or the account. */
const DENIED = /UnauthorizedOperation|AuthError/

function permissionFinding({ reached, credentials, refusal, lastUpload }: ServiceReply): Finding {
  const proof = lastUpload ? `it allowed an upload on ${lastUpload.slice(0, 10)}` : undefined
  if (!reached || typeof credentials !== 'string' || (refusal && refusal.code !== 'API_FORBIDDEN'))
    return skipped('permission', 'not reached')
  if (!refusal)
    return ok(
      'permission',
      `the key may list certificates; ${proof ?? `the first upload shows whether ${REQUIRED_ACTIONS} is allowed`}`,
    )
  if (!DENIED.test(refusal.apiCode ?? '')) return failure('permission', refusal, { advice: refusal.advice })
  return {
    ...warning('permission', `ssl:DescribeCertificates is not allowed; only this check uses it`, {
      advice: `${proof ? `Uploads: ${proof}.` : `The first upload shows whether ${REQUIRED_ACTIONS} is allowed.`} The policy below allows both.`,
    }),
    policy: POLICY,
  }
}
