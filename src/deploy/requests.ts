/**
 * The requests that survey, replace, follow and retire.
 *
 * Types are as the service has them: some numbers are text (record and task IDs, Limit and Offset of some actions). Pure.
 */
import type { BoundResource, Job } from '../receipts/replacement.ts'

export interface Request {
  readonly action: string
  readonly body: Readonly<Record<string, unknown>>
}

/** More IDs in one survey are refused. */
export const MAX_SURVEYED = 100

/** More IDs in one request are refused. */
export const MAX_SILENCED = 50

export const createSurvey = (ids: readonly string[], isCached: boolean): Request => ({
  action: 'CreateCertificateBindResourceSyncTask',
  body: { CertificateIds: ids, IsCache: isCached ? 1 : 0 },
})

export const readSurveyResults = (taskIds: readonly string[]): Request => ({
  action: 'DescribeCertificateBindResourceTaskResult',
  body: { TaskIds: taskIds },
})

export const readSurveyDetail = (taskId: string, offset: number): Request => ({
  action: 'DescribeCertificateBindResourceTaskDetail',
  body: { TaskId: taskId, Limit: String(SURVEY_PAGE), Offset: String(offset) },
})

export const SURVEY_PAGE = 100

/** Identical each time: only then is it the same job to the service. */
export const askToReplace = ({ from, to, types, regions }: Job): Request => {
  const regional = types.filter(type => regions[type]?.length)
  return {
    action: 'UpdateCertificateInstance',
    body: {
      OldCertificateId: from,
      CertificateId: to,
      ResourceTypes: types,
      ...(regional.length && {
        ResourceTypesRegions: regional.map(type => ({ ResourceType: type, Regions: regions[type] })),
      }),
      // the old ID's reminders are stopped by an action of their own, once nothing uses it
      ExpiringNotificationSwitch: 0,
    },
  }
}

export const findRecords = (from: string, to?: string): Request => ({
  action: 'DescribeHostUpdateRecord',
  body: { Offset: 0, Limit: 20, OldCertificateId: from, ...(to && { CertificateId: to }) },
})

export const readRecord = (recordId: string, offset: number): Request => ({
  action: 'DescribeHostUpdateRecordDetail',
  body: { DeployRecordId: recordId, Limit: String(RECORD_PAGE), Offset: String(offset) },
})

export const RECORD_PAGE = 200

export const retryRecord = (recordId: string): Request => ({
  action: 'UpdateCertificateRecordRetry',
  body: { DeployRecordId: Number(recordId) },
})

export const rollBackRecord = (recordId: string): Request => ({
  action: 'UpdateCertificateRecordRollback',
  body: { DeployRecordId: Number(recordId) },
})

export const silenceReminders = (ids: readonly string[]): Request => ({
  action: 'ModifyCertificatesExpiringNotificationSwitch',
  body: { CertificateIds: ids, SwitchStatus: 1 },
})

/** The only way to delete: without the check the service deletes a certificate that is in use. */
export const deleteUnused = (certificateId: string): Request => ({
  action: 'DeleteCertificate',
  body: { CertificateId: certificateId, IsCheckResource: true },
})

export const readDeletions = (taskIds: readonly string[]): Request => ({
  action: 'DescribeDeleteCertificatesTaskResult',
  body: { TaskIds: taskIds },
})

/** The types and regions of a job, from what a survey found: only what is bound is searched. */
export function scopeOf(resources: readonly BoundResource[], from: string): Pick<Job, 'types' | 'regions'> {
  const own = resources.filter(({ certificateId }) => certificateId === from)
  const types = [...new Set(own.map(({ type }) => type))].sort()
  const regions = Object.fromEntries(
    types.flatMap(type => {
      const found = new Set(own.filter(one => one.type === type && one.region).map(({ region }) => region))
      return found.size ? [[type, [...found].sort()] as const] : []
    }),
  )
  return { types, regions }
}
