/** The actions: what performs each of them, and where it exists. Pure. */
import {
  checkExists,
  type Duplicates,
  deleteCertificate,
  deletionResults,
  list,
  settleDeletions,
  silence,
  upload,
} from './certificates.ts'
import { type Action, checkParameters, isAction, type Parameters } from './parameters.ts'
import { describeRecord, listRecords } from './records.ts'
import { replace, retry, rollBack } from './replacement.ts'
import type { Site } from './resourceTypes.ts'
import type { CloudAccount } from './state.ts'
import { createSurveys, surveyResults } from './survey.ts'
import { surveyDetails } from './surveyDetails.ts'

export interface Backend {
  readonly account: CloudAccount
  readonly duplicates: Duplicates
}

type Actions = {
  readonly [A in Action]: (account: CloudAccount, sent: Parameters<A>, duplicates: Duplicates) => object
}

const ACTIONS: Actions = {
  UploadCertificate: upload,
  DescribeCertificates: list,
  CheckCertificateExist: checkExists,
  DeleteCertificate: deleteCertificate,
  DescribeDeleteCertificatesTaskResult: deletionResults,
  ModifyCertificatesExpiringNotificationSwitch: silence,
  CreateCertificateBindResourceSyncTask: createSurveys,
  DescribeCertificateBindResourceTaskResult: surveyResults,
  DescribeCertificateBindResourceTaskDetail: surveyDetails,
  UpdateCertificateInstance: replace,
  DescribeHostUpdateRecord: listRecords,
  DescribeHostUpdateRecordDetail: describeRecord,
  UpdateCertificateRecordRetry: retry,
  UpdateCertificateRecordRollback: rollBack,
}

const MAINLAND_ONLY: ReadonlySet<string> = new Set<Action>([
  'CheckCertificateExist',
  'DescribeDeleteCertificatesTaskResult',
])

export const exists = (name: string, site: Site): name is Action =>
  isAction(name) && (site === 'mainland' || !MAINLAND_ONLY.has(name))

export function perform<A extends Action>(action: A, sent: object, { account, duplicates }: Backend): object {
  const parameters = checkParameters(action, sent)
  settleDeletions(account)
  return ACTIONS[action](account, parameters, duplicates)
}
