/** Decides what to do with a bundle. Pure: the clock and the receipt come in as arguments. */
import type { Bundle } from '../certificate/bundle.ts'
import { validityFault } from '../certificate/expiry.ts'
import { Fault, type FaultDetail, SEND_AGAIN } from '../errors.ts'
import {
  backoffUntil,
  isOlder,
  type Receipt,
  type Rejection,
  type Standing,
  supersededAs,
} from '../receipts/receipt.ts'
import { type FileStamps, isEqual } from '../sources/fileStamp.ts'
import { adviceOn } from '../tencent/errorCodes.ts'

/** older: it begins and ends before the one uploaded last, and is not known to have been replaced. */
export type UploadReason = 'first-seen' | 'changed' | 'older' | 'forced'

export type RefuseReason = 'expired' | 'not-yet-valid' | 'older-than-uploaded' | 'rejected-before'

type Decision =
  | { readonly do: 'upload'; readonly because: UploadReason }
  | { readonly do: 'skip'; readonly because: 'unchanged'; readonly certificateId: string }
  | { readonly do: 'wait'; readonly until: Date }
  | { readonly do: 'refuse'; readonly because: RefuseReason; readonly fault: Fault }

export interface DecisionContext {
  readonly now: Date
  /** Upload also what is known to be uploaded, older or rejected. What is not valid today stays refused. */
  readonly force: boolean
  /** The host that receipts must come from to count. */
  readonly endpoint: string
  /** Digest of the settings this bundle would be sent with. */
  readonly settings: string
  /** A daemon waits for the next attempt that the receipt names; a command and a hook do not. */
  readonly honourBackoff?: boolean
}

export function decide(
  bundle: Bundle,
  receipt: Receipt,
  { now, force, endpoint, settings, honourBackoff = false }: DecisionContext,
): Decision {
  const uploaded = receipt.uploaded?.endpoint === endpoint ? receipt.uploaded : undefined
  if (!force && uploaded?.fingerprint === bundle.fingerprint) {
    return { do: 'skip', because: 'unchanged', certificateId: uploaded.certificateId }
  }

  const invalid = validityFault(bundle, now)
  if (invalid) {
    const because = invalid.code === 'EXPIRED' ? 'expired' : 'not-yet-valid'
    return { do: 'refuse', because, fault: invalid }
  }
  if (force) return { do: 'upload', because: 'forced' }

  const rejected = receipt.rejected?.endpoint === endpoint ? receipt.rejected : undefined
  if (rejected?.fingerprint === bundle.fingerprint && rejected.settings === settings) {
    return refuse(
      'rejected-before',
      'REJECTED_BEFORE',
      `it was refused on ${rejected.at}: ${rejected.message}`,
      rejectedDetail(rejected),
    )
  }
  // dates do not show which of two is newer: authorities backdate by an hour or by days, and lifetimes differ
  const replaced = uploaded && supersededAs(receipt, { ...bundle, endpoint })
  if (replaced) {
    return refuse(
      'older-than-uploaded',
      'OLDER_THAN_UPLOADED',
      `it was uploaded as ${replaced.certificateId} and replaced by a newer one on ${day(new Date(replaced.supersededAt))}; ${uploaded.certificateId} is the current one`,
    )
  }
  const until = honourBackoff ? backoffUntil(receipt.failing, bundle.fingerprint, now) : undefined
  if (until) return { do: 'wait', until }
  if (!uploaded) return { do: 'upload', because: 'first-seen' }
  return { do: 'upload', because: isOlder(datesOf(bundle), uploaded) ? 'older' : 'changed' }
}

/** Whether the files have the stamps of the recorded upload: they need not be read. */
export const isUnchanged = <T extends Standing>(
  uploaded: T | undefined,
  marks: FileStamps | undefined,
  { force, endpoint, now }: Pick<DecisionContext, 'force' | 'endpoint'> & { readonly now: string },
): uploaded is T =>
  !force &&
  uploaded?.endpoint === endpoint &&
  isEqual(uploaded.files, marks) &&
  !(uploaded.changesAt && uploaded.changesAt <= now)

const datesOf = ({ notBefore, notAfter }: Bundle) => ({
  notBefore: notBefore.toISOString(),
  notAfter: notAfter.toISOString(),
})

const day = (date: Date) => date.toISOString().slice(0, 10)

function refuse(
  because: RefuseReason,
  code: ConstructorParameters<typeof Fault>[0],
  message: string,
  detail?: FaultDetail,
): Decision {
  return { do: 'refuse', because, fault: new Fault(code, message, detail) }
}

/** The advice is that of the first rejection. */
function rejectedDetail({ apiCode, message }: Rejection): FaultDetail {
  if (!apiCode) return {}
  const advice = adviceOn(apiCode, message)
  return { apiCode, ...(advice && { advice: `${advice} ${SEND_AGAIN}` }) }
}
