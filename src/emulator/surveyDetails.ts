/** The resources that a survey found, each type in its own shape. Pure. */

import { covers } from './account.ts'
import { ApiError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { numberIn } from './records.ts'
import { isReplaceable, RESOURCE_TYPES, type ResourceTypeName, TYPE_NAMES } from './resourceTypes.ts'
import type { AccountResource, CloudAccount } from './state.ts'
import { errorIn, isIn, regionsOf, surveyOf, taskStatus } from './survey.ts'
import { beijingTime } from './times.ts'

const DONE = 1

export function surveyDetails(
  account: CloudAccount,
  sent: Parameters<'DescribeCertificateBindResourceTaskDetail'>,
): object {
  const limit = numberIn(sent.Limit ?? '10', 'Limit', 100)
  const offset = numberIn(sent.Offset ?? '0', 'Offset')
  if (!account.traps.role) throw new ApiError('role')
  const survey = surveyOf(account, sent.TaskId)
  const status = taskStatus(account, survey)
  const { ResourceTypes: types, Regions: regions } = sent
  const names = account.store.everStored(survey.certId)?.names ?? []
  const lists = TYPE_NAMES.filter(type => isReplaceable(type, account.traps.site)).map(type => {
    const isWanted = status === DONE && (types === undefined || types.includes(type))
    const places = isWanted ? regionsOf(account, type) : []
    const list = places
      .filter(region => region === '' || regions === undefined || regions.includes(region))
      .flatMap(region => {
        const error = errorIn(account, type, region)
        const found = error ? [] : survey.found.filter(each => isIn(each, type, region))
        if (found.length === 0 && error === '') return []
        const instances = SHAPES[type](found, { certId: survey.certId, names })
        return [
          {
            ...(RESOURCE_TYPES[type].regional && { Region: region }),
            InstanceList: instances.slice(offset, offset + limit),
            TotalCount: instances.length,
            Error: error,
          },
        ]
      })
    return [type.toUpperCase(), list]
  })
  return { ...Object.fromEntries(lists), Status: status, CacheTime: beijingTime(survey.foundAt) }
}

/** The certificate that the survey was for. */
interface Surveyed {
  readonly certId: string
  readonly names: readonly string[]
}

type Shape = (found: readonly AccountResource[], surveyed: Surveyed) => readonly object[]

const each =
  (shape: (resource: AccountResource['resource'], domain: string, surveyed: Surveyed) => object): Shape =>
  (found, surveyed) =>
    found.flatMap(({ resource }) => resource.domains.map(domain => shape(resource, domain, surveyed)))

const byInstance = (found: readonly AccountResource[]) =>
  Map.groupBy(found, ({ resource }) => resource.instance ?? '')

const unmatched = (domains: readonly string[], { names }: Surveyed) =>
  domains.filter(domain => !covers(names, domain))

const certificateOf = ({ certId, names }: Surveyed) => ({
  CertId: certId,
  DnsNames: names,
  CertCaId: null,
  SSLMode: 'UNIDIRECTIONAL',
})

function listener({ resource }: AccountResource, surveyed: Surveyed) {
  const { listener: id = '', sni, domains } = resource
  return {
    ListenerId: id,
    ListenerName: id,
    SniSwitch: sni ? 1 : 0,
    Protocol: 'HTTPS',
    Certificate: sni ? null : certificateOf(surveyed),
    Rules: domains.map((domain, i) => ({
      LocationId: `loc-${id}-${i}`,
      Domain: domain,
      IsMatch: covers(surveyed.names, domain),
      Certificate: sni ? certificateOf(surveyed) : null,
      NoMatchDomains: unmatched([domain], surveyed),
      Url: '/',
    })),
    NoMatchDomains: unmatched(domains, surveyed),
  }
}

const loadBalancers: Shape = (found, surveyed) =>
  [...byInstance(found)].map(([id, on]) => ({
    LoadBalancerId: id,
    LoadBalancerName: id,
    Forward: 1,
    Listeners: on.map(one => listener(one, surveyed)),
  }))

const clusters: Shape = (found, surveyed) =>
  [...byInstance(found)].map(([id, on]) => ({
    ClusterId: id,
    ClusterName: id,
    NamespaceList: [
      {
        Name: 'default',
        SecretList: on.map(({ resource: { listener: name = '', domains } }) => ({
          Name: name,
          CertId: surveyed.certId,
          IngressList: domains.map(domain => ({
            IngressName: name,
            TlsDomains: [domain],
            Domains: [domain],
          })),
          NoMatchDomains: unmatched(domains, surveyed),
        })),
      },
    ],
    ClusterType: 'MANAGED_CLUSTER',
    ClusterVersion: '1.30.0',
  }))

const environments: Shape = found =>
  [...byInstance(found)].map(([id, on]) => {
    const list = on.flatMap(({ resource }) => resource.domains).map(domain => ({ Domain: domain, Status: 1 }))
    return {
      Environment: { ID: id, Source: 'qcloud', Name: id, Status: 'NORMAL' },
      AccessService: { InstanceList: list, TotalCount: list.length },
      HostService: { InstanceList: [], TotalCount: 0 },
    }
  })

const withNames =
  (certificates: (certId: string) => object): Shape =>
  (found, surveyed) =>
    [...byInstance(found)].map(([id, on]) => ({
      InstanceId: id,
      InstanceName: id,
      ...certificates(surveyed.certId),
      NoMatchDomains: unmatched(
        on.flatMap(({ resource }) => resource.domains),
        surveyed,
      ),
    }))

const SHAPES: Readonly<Record<ResourceTypeName, Shape>> = {
  clb: loadBalancers,
  cdn: each((_, Domain, { certId }) => ({
    Domain,
    CertId: certId,
    Status: 'online',
    HttpsBillingSwitch: 'on',
  })),
  waf: each((_, Domain, { certId }) => ({ Domain, CertId: certId, Keepalive: 1 })),
  live: each((_, Domain, { certId }) => ({ Domain, CertId: certId, Status: 1 })),
  vod: each((_, Domain, { certId }) => ({ Domain, CertId: certId })),
  ddos: each(({ instance }, Domain, { certId }) => ({
    Domain,
    InstanceId: instance ?? '',
    Protocol: 'https',
    CertId: certId,
    VirtualPort: '443',
  })),
  teo: each(({ instance }, Host, { certId }) => ({
    Host,
    CertId: certId,
    ZoneId: instance ?? '',
    Status: 'deployed',
    Algorithm: 'RSA 2048',
  })),
  apigateway: each(({ instance }, Domain, { certId }) => ({
    ServiceId: instance ?? '',
    ServiceName: instance ?? '',
    Domain,
    CertId: certId,
    Protocol: 'https',
  })),
  tke: clusters,
  tcb: (found, surveyed) => environments(found, surveyed),
  tse: (found, surveyed) =>
    [...byInstance(found)].map(([id, on]) => ({
      GatewayId: id,
      GatewayName: id,
      CertificateList: on.map(({ resource }) => ({
        Id: resource.listener ?? '',
        Name: resource.listener ?? '',
        BindDomains: resource.domains,
        CertSource: 'ssl',
        CertId: surveyed.certId,
      })),
    })),
  cos: each(({ instance, region }, Domain, { certId }) => ({
    Domain,
    CertId: certId,
    Status: 'ENABLED',
    Bucket: instance ?? '',
    Region: region ?? '',
  })),
  mqtt: withNames(certId => ({ InstanceStatus: 'RUNNING', ServerCertIdList: [certId], CaCertIdList: [] })),
  tdmq: withNames(certId => ({ CertId: certId, CaCertId: null })),
  gaap: (found, surveyed) =>
    [...byInstance(found)].map(([id, on]) => ({
      InstanceId: id,
      InstanceName: id,
      ListenerList: on.map(({ resource }) => ({
        ListenerId: resource.listener ?? '',
        ListenerName: resource.listener ?? '',
        ListenerStatus: 0,
        CertIdList: [surveyed.certId],
        NoMatchDomains: unmatched(resource.domains, surveyed),
        Protocol: 'HTTPS',
      })),
    })),
  scf: each(({ region }, Domain, { certId }) => ({
    CertificateId: certId,
    Domain,
    Protocol: 'HTTPS',
    Region: region ?? '',
  })),
  lighthouse: () => [],
}
