/** DescribeCertificates: filter, sort and cut the list. Pure. */
import { isExpired, isExpiring, listed } from './description.ts'
import type { Sent } from './parameters.ts'
import type { StoredCertificate } from './vault.ts'

type Query = Sent<'DescribeCertificates'>
type Filters = {
  readonly [P in keyof Query]-?: (
    wanted: NonNullable<Query[P]>,
    certificate: StoredCertificate,
    now: number,
  ) => boolean
}

const any = () => true
const none = (wanted: number) => wanted !== 1

/** A row for every parameter, so that none is forgotten. All certificates here are uploaded ones. */
const FILTERS: Filters = {
  Offset: any,
  Limit: any,
  ExpirationSort: any,
  Hostable: any,
  Upload: any,
  ServiceId: any,
  Renew: none,
  IsSM: none,
  IsPendingIssue: none,
  Deployable: (wanted, { type }) => wanted === (type === 'SVR' ? 1 : 0),
  SearchKey: (wanted, { id, alias, names }) => [id, alias, ...names].some(text => text.includes(wanted)),
  CertificateType: (wanted, { type }) => wanted === type,
  ProjectId: (wanted, { projectId }) => wanted === projectId,
  CertificateStatus: (wanted, certificate, now) => wanted.includes(isExpired(certificate, now) ? 3 : 1),
  FilterSource: wanted => wanted !== 'buy',
  FilterExpiring: (wanted, certificate, now) => wanted !== 1 || isExpiring(certificate, now),
  Tags: (wanted, { tags }) =>
    wanted.every(want => tags.some(tag => tag.TagKey === want.TagKey && tag.TagValue === want.TagValue)),
  CertIds: (wanted, { id }) => wanted.includes(id),
}

const passes = (query: Query, certificate: StoredCertificate, now: number) =>
  Object.entries(query).every(([name, wanted]) => {
    const filter = FILTERS[name as keyof Query] as Filters['ServiceId']
    return filter(wanted as string, certificate, now)
  })

/** Newest first unless asked to go by expiry. `all` comes oldest first. */
function ordered(all: readonly StoredCertificate[], sort: string | undefined): readonly StoredCertificate[] {
  const newest = all.toReversed()
  if (sort === undefined || sort === '') return newest
  const sign = sort === 'ASC' ? 1 : -1
  return newest.toSorted((a, b) => sign * (a.notAfter.getTime() - b.notAfter.getTime()))
}

export function list(query: Query, all: readonly StoredCertificate[], now: number) {
  const found = ordered(all, query.ExpirationSort).filter(certificate => passes(query, certificate, now))
  const { Offset = 0, Limit = 10 } = query
  const page = found.slice(Offset, Offset + Math.min(Limit, 1000))
  return { TotalCount: found.length, Certificates: page.map(certificate => listed(certificate, now)) }
}
