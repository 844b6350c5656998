/** What the answers about jobs and deletions say: how far they are. Pure. */
import type { Failure } from '../receipts/replacement.ts'
import type { Reply } from '../tencent/response.ts'
import { printableText } from '../terminal/text.ts'
import { count, domainsIn, errorText, idIn, type Members, membersIn, text, textsIn } from './members.ts'

export interface Asked {
  /** Absent while the service still searches for the resources. */
  readonly recordId?: string
  readonly requestId: string
}

/** DeployStatus says nothing: it is 0 of jobs that succeed. */
export function askedOf({ fields, requestId }: Reply): Asked {
  const recordId = idIn(fields.DeployRecordId)
  return { requestId, ...(recordId && { recordId }) }
}

export interface RecordEntry {
  readonly recordId: string
  readonly from: string
  readonly to: string
  /** Milliseconds since 1970; undefined where the service does not say. */
  readonly createdAt: number | undefined
}

/** Newest first. The request's filters are not relied on. */
export const recordsIn = ({ fields }: Reply, from: string): readonly RecordEntry[] =>
  membersIn(fields.DeployRecordList)
    .flatMap(({ Id, OldCertId, CertId, CreateTime }) => {
      const recordId = idIn(Id)
      return recordId
        ? [{ recordId, from: text(OldCertId), to: text(CertId), createdAt: timeOf(text(CreateTime)) }]
        : []
    })
    .filter(entry => entry.from === from)
    .toSorted((a, b) => Number(b.recordId) - Number(a.recordId))

/** The list has times of the zone GMT+8 without saying so. */
function timeOf(written: string): number | undefined {
  const time = Date.parse(`${written.replace(' ', 'T')}+08:00`)
  return Number.isNaN(time) ? undefined : time
}

export interface Progress {
  readonly total: number
  readonly done: number
  readonly failures: readonly Failure[]
  /** Of resources that the job has begun with or not. */
  readonly isEnded: boolean
  /** Every resource that is left is worked at. */
  readonly isNearEnd: boolean
  readonly domains: readonly string[]
  readonly hasMore: boolean
  /** The certificate that the record gives to its resources, where a detail names it. */
  readonly to: string | undefined
}

/** Statuses of a detail: 0 pending, 1 done, 2 failed, 3 working, 4 rolled back, 5 rollback failed, 6 nothing to do. */
const ENDED = [1, 2, 4, 5, 6] as const

const isIn = (all: readonly number[], status: unknown) => all.includes(status as number)

/**
 * How far a record is, by one page of its details. It has ended only where at least one resource is in sight, none is
 * pending or working, and the ended ones are all: 0 of 0 is what a job says that has just begun.
 */
export function progressOf(replies: readonly Reply[], isRollback = false): Progress {
  const succeeded = isRollback ? [1, 4, 6] : [1, 6]
  const [first] = replies
  const fields = first?.fields ?? {}
  const details = distinct(replies.flatMap(detailsIn))
  const listed = membersIn(fields.RecordDetailList).reduce(
    (sum, { TotalCount }) => sum + count(TotalCount),
    0,
  )
  const total = Math.max(count(fields.TotalCount), listed, details.length)
  const ofStatus = (...wanted: readonly number[]) =>
    details.filter(({ Status }) => wanted.includes(Status as number)).length
  const isWhole = details.length >= total
  // rolled-back details are in no counter, as far as is documented: where all are listed, they are counted one by one
  const ended = isWhole
    ? ofStatus(...ENDED)
    : count(fields.SuccessTotalCount) + count(fields.FailedTotalCount)
  const isQuiet = count(fields.PendingTotalCount) === 0 && count(fields.RunningTotalCount) === 0
  return {
    total,
    done: isWhole ? ofStatus(...succeeded) : count(fields.SuccessTotalCount),
    failures: details
      .filter(({ Status }) => isIn(ENDED, Status) && !succeeded.includes(Status as number))
      .map(failureOf),
    isEnded: total > 0 && isQuiet && ended >= total,
    isNearEnd: total > 0 && ended < total && count(fields.RunningTotalCount) >= total - ended,
    domains: [...new Set(details.flatMap(({ Domains }) => textsIn(Domains).flatMap(domainsIn)))],
    hasMore:
      details.length < total && details.length > distinct(replies.slice(0, -1).flatMap(detailsIn)).length,
    to: details.map(({ CertId }) => text(CertId)).find(Boolean),
  }
}

const detailsIn = (reply: Reply | undefined): readonly Members[] =>
  membersIn(reply?.fields.RecordDetailList).flatMap(({ List, ResourceType }) =>
    membersIn(List).map(one => ({ ...one, ResourceType: one.ResourceType ?? ResourceType })),
  )

/** Whether a page counts by type or over all is documented nowhere: pages may overlap. */
const distinct = (details: readonly Members[]): readonly Members[] => [
  ...new Map(details.map((one, i) => [idIn(one.Id) ?? -i, one])).values(),
]

const failureOf = (detail: Members): Failure => ({
  type: text(detail.ResourceType),
  region: text(detail.Region),
  instance: [detail.InstanceId, detail.ListenerId, detail.Bucket].map(text).filter(Boolean).join(' '),
  domains: textsIn(detail.Domains).flatMap(domainsIn),
  message: decoded(text(detail.ErrorMsg)) || `status ${text(detail.Status)} without a message`,
})

/** Some messages are JSON, with its escapes. */
function decoded(message: string): string {
  const plain = message.replace(/\\u([0-9a-f]{4})/gi, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
  return printableText(plain, 500)
}

export type Deletion = 'running' | 'deleted' | 'failed' | 'role' | 'bound' | 'later'

const DELETIONS: readonly Deletion[] = ['running', 'deleted', 'failed', 'role', 'bound', 'later']

/** By certificate ID, with the service's text. */
export const deletionsIn = ({
  fields,
}: Reply): ReadonlyMap<string, { readonly state: Deletion; readonly message: string }> =>
  new Map(
    membersIn(fields.DeleteTaskResult).map(task => [
      text(task.CertId),
      { state: DELETIONS[task.Status as number] ?? 'running', message: errorText(task.Error) },
    ]),
  )

/** Absent where the service deleted without a task, or says nothing. */
export const deletionTaskOf = ({ fields }: Reply): string | undefined => text(fields.TaskId) || undefined
