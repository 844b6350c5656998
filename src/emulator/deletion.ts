/** Deleting certificates: at once, or by a task that first looks for what uses them. Pure. */
import { isFoundWith } from './account.ts'
import { ApiError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { RESOURCE_TYPES } from './resourceTypes.ts'
import type { CloudAccount, Deletion } from './state.ts'
import { beijingTime } from './times.ts'

const MAX_IDS = 100

export function deleteCertificate(account: CloudAccount, sent: Parameters<'DeleteCertificate'>): object {
  const { store, traps, now, seconds, newNumber, deletions } = account
  const { CertificateId: certId, IsCheckResource = false } = sent
  const stored = store.get(certId)
  if (stored === undefined) throw new ApiError('notFound')
  if (!IsCheckResource) {
    if (traps.uncheckedDeletion === 'refused' && usersOf(account, certId, now()).length > 0)
      throw new ApiError('bound')
    store.remove(certId)
    return { DeleteResult: true, TaskId: null }
  }
  const task: Deletion = {
    taskId: String(newNumber()),
    certId,
    domains: stored.names,
    doneAt: now() + seconds(traps.deletionSeconds),
    status: STATUS.running,
    message: '',
  }
  deletions.push(task)
  // false, although the deletion is under way
  return { DeleteResult: false, TaskId: task.taskId }
}

const STATUS = { running: 0, deleted: 1, failed: 2, roleMissing: 3, bound: 4, timedOut: 5 } as const

/** The types whose resources use it, as far as the service's search sees. */
const usersOf = (account: CloudAccount, certId: string, at: number): readonly string[] => [
  ...new Set(
    account.resources
      .filter(({ resource }) => RESOURCE_TYPES[resource.type].survey !== 'nowhere')
      .filter(each => isFoundWith(each, certId, at, account.traps))
      .map(({ resource }) => resource.type),
  ),
]

/** Performs the deletions that are due. Every request and every reading of the account begins with it. */
export function settleDeletions(account: CloudAccount): void {
  for (const task of account.deletions.filter(({ status }) => status === STATUS.running)) {
    if (account.now() < task.doneAt) continue
    const [status, message] = endOf(account, task)
    task.status = status
    task.message = message
    if (status === STATUS.deleted) account.store.remove(task.certId)
  }
}

function endOf(account: CloudAccount, { certId, doneAt }: Deletion): readonly [status: number, text: string] {
  const { role, deletion } = account.traps
  if (!role) return [STATUS.roleMissing, 'the service role is missing']
  const users = usersOf(account, certId, doneAt)
  if (users.length > 0) return [STATUS.bound, `unbound cloud resources: ${users.join(',')}`]
  if (deletion === 'failed') return [STATUS.failed, 'the status of the certificate does not allow it']
  if (deletion === 'timed-out') return [STATUS.timedOut, 'the search for resources timed out']
  return [STATUS.deleted, '']
}

export function deletionResults(
  account: CloudAccount,
  { TaskIds: ids }: Parameters<'DescribeDeleteCertificatesTaskResult'>,
): object {
  if (ids.length > MAX_IDS) throw new ApiError('range', { name: 'TaskIds' })
  const found = account.deletions.filter(({ taskId }) => ids.includes(taskId))
  return {
    DeleteTaskResult: found.map(({ taskId, certId, status, message, domains, doneAt }) => ({
      TaskId: taskId,
      CertId: certId,
      Status: status,
      Error: message,
      CacheTime: beijingTime(doneAt),
      Domains: domains,
    })),
  }
}
