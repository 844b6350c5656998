/** What the service's answer shows of clock, credentials and permission; each is checked only if the one before is right. Pure. */
import { Fault } from '../errors.ts'
import { durationText } from '../terminal/text.ts'
import { type Finding, failure, ok, skipped, warning } from './finding.ts'

/** The one action that uploading needs. */
export const REQUIRED_ACTIONS = 'ssl:UploadCertificate'

/** As Cloud Access Management takes it: upload, find the ID of a known certificate, and the check's own request. */
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
  /** Why it refused the request: clock, credentials or permission. */
  readonly refusal: Fault | undefined
  /** When something was last uploaded to it. */
  readonly lastUpload: string | undefined
}

/** Whether the service refused the request because of clock, credentials or permission. */
export const isAccountError = ({ code }: Fault): boolean =>
  code === 'API_CLOCK' || code === 'API_CREDENTIALS' || code === 'API_FORBIDDEN'

export const accountFindings = (reply: ServiceReply): readonly Finding[] => [
  clockFinding(reply),
  credentialsFinding(reply),
  permissionFinding(reply),
]

/** In seconds. The service's Date has whole seconds, so two are no difference. */
const CLOCK = { exact: 2, drifting: 60, refused: 300 }

function clockFinding({ reached, offset, refusal }: ServiceReply): Finding {
  if (!reached) return skipped('clock', 'not reached')
  const off = Math.abs(offset)
  const drift = `${durationText(off)} ${offset > 0 ? 'slow' : 'fast'}; the service allows 5 minutes`
  const fix = { command: 'sudo timedatectl set-ntp true' }
  if (refusal?.code === 'API_CLOCK')
    return { ...failure('clock', refusal, fix), says: off > CLOCK.drifting ? drift : refusal.message }
  if (off > CLOCK.refused) return failure('clock', new Fault('API_CLOCK', drift), fix)
  if (off > CLOCK.drifting) return warning('clock', drift, fix)
  return ok('clock', off <= CLOCK.exact ? "matches the service's clock" : drift)
}

function credentialsFinding({ reached, credentials, refusal }: ServiceReply): Finding {
  const failed = (fault: Fault) =>
    /\((EACCES|EPERM)\)/.test(fault.message)
      ? failure('credentials', fault, { advice: 'Run the check as root.', command: 'sudo certferry check' })
      : failure('credentials', fault, { advice: fault.advice, command: 'sudo certferry setup' })
  if (typeof credentials !== 'string') return failed(credentials)
  const from = `from ${credentials}`
  if (!reached || refusal?.code === 'API_CLOCK') return skipped('credentials', `${from}; not tested`)
  if (refusal?.code === 'API_CREDENTIALS') return { ...failed(refusal), says: `${from}: ${refusal.message}` }
  if (credentials !== 'environment') return ok('credentials', `accepted, ${from}`)
  return ok(
    'credentials',
    "accepted, from this shell's environment, which hooks, cron and the service do not share",
  )
}

/** The action itself is denied, and not the machine or the account. */
const DENIED = /UnauthorizedOperation|AuthError/

function permissionFinding({ reached, credentials, refusal, lastUpload }: ServiceReply): Finding {
  if (!reached || typeof credentials !== 'string' || (refusal && refusal.code !== 'API_FORBIDDEN'))
    return skipped('permission', 'not reached')
  const allowed = lastUpload && `it allowed an upload on ${lastUpload.slice(0, 10)}`
  const unknown = `the first upload shows whether ${REQUIRED_ACTIONS} is allowed`
  if (!refusal) return ok('permission', `the key may list certificates; ${allowed ?? unknown}`)
  if (!DENIED.test(refusal.apiCode ?? '')) return failure('permission', refusal)
  const proof = allowed ? `Uploads: ${allowed}.` : `${unknown.replace('the', 'The')}.`
  return {
    ...warning('permission', 'ssl:DescribeCertificates is not allowed; only this check uses it', {
      advice: `${proof} The policy below allows both.`,
    }),
    policy: POLICY,
  }
}
