/** What the answers of a survey say: where a certificate is bound. Pure. */
import type { Resource } from '../receipts/replacement.ts'
import type { Reply } from '../tencent/response.ts'
import { count, domainsIn, errorText, isMembers, type Members, membersIn, text, textsIn } from './members.ts'
import { SURVEY_PAGE } from './requests.ts'

/** By certificate ID, the task that searches for it. */
export const tasksIn = ({ fields }: Reply): ReadonlyMap<string, string> =>
  new Map(membersIn(fields.CertTaskIds).map(({ CertId, TaskId }) => [text(CertId), text(TaskId)]))

export interface SurveyTask {
  /** `silent`: the search is done, and the service does not tell what it found yet. */
  readonly status: 'pending' | 'silent' | 'done' | 'failed'
  /** Nothing was left out: only such an answer proves that a certificate is bound nowhere. */
  readonly isComplete: boolean
  /** Counts by type and region, those above 0. */
  readonly found: ReadonlyArray<{ readonly type: string; readonly region: string; readonly count: number }>
  /** What was left out, or why the search failed. */
  readonly problems: readonly string[]
  /** The service's code where the search failed for a reason that it names. */
  readonly apiCode?: string
}

/** By task ID. Status 1 with an empty list is no answer yet. */
export function surveyTasksIn({ fields }: Reply): ReadonlyMap<string, SurveyTask> {
  return new Map(
    membersIn(fields.SyncTaskBindResourceResult).map(task => [text(task.TaskId), surveyTaskOf(task)]),
  )
}

function surveyTaskOf(task: Members): SurveyTask {
  const regions = membersIn(task.BindResourceResult).flatMap(({ ResourceType, BindResourceRegionResult }) =>
    membersIn(BindResourceRegionResult).map(one => ({
      type: text(ResourceType).toLowerCase(),
      region: text(one.Region),
      count: count(one.TotalCount),
      error: errorText(one.Error),
    })),
  )
  const own = isMembers(task.Error) ? text(task.Error.Code) : ''
  const problems = [
    ...(own || errorText(task.Error) ? [errorText(task.Error) || own] : []),
    ...regions.flatMap(({ type, region, error }) =>
      error ? [`${[type, region].filter(Boolean).join(' ')}: ${error}`] : [],
    ),
  ]
  const status =
    task.Status === 1 ? (regions.length ? 'done' : 'silent') : task.Status === 2 ? 'failed' : 'pending'
  return {
    status,
    isComplete: status === 'done' && !problems.length,
    found: regions.filter(one => one.count > 0).map(({ type, region, count }) => ({ type, region, count })),
    problems,
    ...(own && { apiCode: own }),
  }
}

export interface SurveyDetail {
  readonly resources: readonly FoundResource[]
  /** Lists that have more elements than this page. */
  readonly hasMore: boolean
  readonly problems: readonly string[]
}

export interface FoundResource extends Resource {
  /** Names of the resource that the certificate which uses it now does not cover, as the service says. */
  readonly unmatched: readonly string[]
}

/** The lists of the detail answer; the types of some are in no count of the survey's result. */
const LISTS = [
  ...['CLB', 'CDN', 'WAF', 'DDOS', 'LIVE', 'VOD', 'TKE', 'APIGATEWAY', 'TCB', 'TEO', 'TSE', 'COS'],
  ...['TDMQ', 'MQTT', 'GAAP', 'SCF'],
] as const

/** The page from `offset` on of the resources that use a certificate. */
export function surveyDetailOf({ fields }: Reply, certificateId: string, offset: number): SurveyDetail {
  const lists = LISTS.flatMap(name =>
    membersIn(fields[name]).map(list => {
      const instances = membersIn(name === 'TCB' ? list.Environments : list.InstanceList)
      const region = text(list.Region)
      return {
        resources: instances.flatMap(one => resourcesOf(name, one, region, certificateId)),
        // a count that no page reaches is not asked for again and again
        hasMore: instances.length >= SURVEY_PAGE && offset + instances.length < count(list.TotalCount),
        problem:
          errorText(list.Error) &&
          `${[name.toLowerCase(), region].filter(Boolean).join(' ')}: ${errorText(list.Error)}`,
      }
    }),
  )
  return {
    resources: lists.flatMap(({ resources }) => resources),
    hasMore: lists.some(({ hasMore }) => hasMore),
    problems: lists.flatMap(({ problem }) => problem || []),
  }
}

/** The types that no count of a survey's result has. */
export const UNCOUNTED: readonly string[] = ['tse', 'gaap', 'mqtt', 'scf', 'tdmq']

type Described = Pick<FoundResource, 'instance' | 'domains'> & { readonly unmatched?: readonly string[] }

function resourcesOf(
  list: (typeof LISTS)[number],
  one: Members,
  region: string,
  certificateId: string,
): readonly FoundResource[] {
  return described(list, one, certificateId).map(({ instance, domains, unmatched = [] }) => ({
    type: list.toLowerCase(),
    region: region || text(one.Region),
    instance,
    domains: domains.flatMap(domainsIn),
    unmatched: unmatched.flatMap(domainsIn),
  }))
}

function described(list: (typeof LISTS)[number], one: Members, certificateId: string): readonly Described[] {
  switch (list) {
    case 'CLB':
      return membersIn(one.Listeners).flatMap(listener =>
        listenerResources(text(one.LoadBalancerId), listener),
      )
    case 'TKE':
      return membersIn(one.NamespaceList).flatMap(space =>
        membersIn(space.SecretList).map(secret => ({
          instance: [one.ClusterId, space.Name, secret.Name].map(text).join(' '),
          domains: membersIn(secret.IngressList).flatMap(({ Domains }) => textsIn(Domains)),
          unmatched: textsIn(secret.NoMatchDomains),
        })),
      )
    case 'TCB': {
      const environment = isMembers(one.Environment) ? text(one.Environment.ID) : ''
      const services = [one.AccessService, one.HostService].filter(isMembers)
      return services
        .flatMap(({ InstanceList }) => membersIn(InstanceList))
        .map(({ Domain }) => ({ instance: environment, domains: [text(Domain)] }))
    }
    case 'TSE': {
      // the gateway's other certificates may stand beside it
      const own = membersIn(one.CertificateList).filter(({ CertId }) => !CertId || CertId === certificateId)
      return [
        { instance: text(one.GatewayId), domains: own.flatMap(({ BindDomains }) => textsIn(BindDomains)) },
      ]
    }
    case 'GAAP':
      return membersIn(one.ListenerList).map(listener => ({
        instance: `${text(one.InstanceId)} ${text(listener.ListenerId)}`,
        domains: [],
        unmatched: textsIn(listener.NoMatchDomains),
      }))
    default: {
      const domain = text(one.Domain) || text(one.Host)
      const owner = [one.InstanceId, one.ServiceId, one.ZoneId, one.Bucket].map(text).find(Boolean)
      return [
        {
          instance: owner ?? domain,
          domains: domain ? [domain] : [],
          unmatched: textsIn(one.NoMatchDomains),
        },
      ]
    }
  }
}

/** A listener without SNI has one certificate; with SNI each of its rules has. */
function listenerResources(balancer: string, listener: Members): readonly Described[] {
  const instance = `${balancer} ${text(listener.ListenerId)}`
  const rules = membersIn(listener.Rules)
  const names = isMembers(listener.Certificate) ? textsIn(listener.Certificate.DnsNames) : []
  if (count(listener.SniSwitch) === 1 && rules.length)
    return rules.map(rule => ({
      instance: [instance, text(rule.LocationId)].filter(Boolean).join(' '),
      domains: [text(rule.Domain)].filter(Boolean),
      unmatched: textsIn(rule.NoMatchDomains),
    }))
  const domains = rules.map(({ Domain }) => text(Domain)).filter(Boolean)
  return [
    {
      instance,
      domains: domains.length ? [...new Set(domains)] : names,
      unmatched: textsIn(listener.NoMatchDomains),
    },
  ]
}
