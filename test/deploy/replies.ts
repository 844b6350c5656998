/** The service's answers as a test writes them. */
import type { Reply } from '../../src/tencent/response.ts'

export const replyOf = (fields: Reply['fields']): Reply => ({ requestId: 'r-1', fields })

let id = 0

/** A detail of a record. */
export const detail = (Status: unknown, more: object = {}) => ({
  ...{ Id: ++id, CertId: 'new', OldCertId: 'old', ResourceType: 'cdn', Status, ErrorMsg: null },
  ...{ Domains: ['a.example.com'], Region: null, InstanceId: null, ListenerId: null, Bucket: null },
  ...more,
})

interface Counts {
  readonly total?: unknown
  readonly success?: unknown
  readonly failed?: unknown
  readonly running?: unknown
  readonly pending?: unknown
}

/** A record's answer: what is left out is absent, as PendingTotalCount usually is. */
export const record = (details: readonly object[], counts: Counts = {}): Reply => {
  const { total = details.length, success, failed, running, pending } = counts
  const members = {
    TotalCount: total,
    SuccessTotalCount: success,
    FailedTotalCount: failed,
    RunningTotalCount: running,
    PendingTotalCount: pending,
    RecordDetailList: [{ ResourceType: 'cdn', TotalCount: details.length, List: details }],
  }
  return replyOf(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)))
}
