/** DescribeCertificates: filter, sort and cut the list. Pure. */
import { secret } from '../secret.ts'
import { detailed, isExpired, isExpiring, listed } from './describe.ts'
import { ApiError } from './errors.ts'
import { type Action, prove, type Sent } from './request.ts'
import {
  type CertificateStore,
  type CertificateType,
  type Chain,
  fingerprintOf,
  readAuthorities,
  readCertificates,
  readServerPair,
  type StoredCertificate,
} from './store.ts'

/** Which of the two ids carries the answer for a duplicate: nobody has captured it, so a client must take any. */
export type Duplicates = 'both' | 'certificate-id-only' | 'repeat-cert-id-only' | 'error'

interface Uploaded {
  readonly CertificateId: string
  readonly RepeatCertId: string
}

type Upload = Sent<'UploadCertificate'>

/** "Once the account holds more than 5000 uploads of the same certificate, the API ignores Repeatable." */
const FLOOD = 5000

function typeOf({ CertificateType: type = 'SVR' }: Upload): CertificateType {
  if (type === 'SVR' || type === 'CA') return type
  throw new ApiError('certificateType', { name: type })
}

const judged = (sent: Upload, type: CertificateType): Chain =>
  type === 'CA'
    ? readAuthorities(sent.CertificatePublicKey)
    : readServerPair({
        certificate: sent.CertificatePublicKey,
        key: sent.CertificatePrivateKey,
        password: sent.KeyPassword,
      })

function repeated(existing: StoredCertificate, duplicates: Duplicates): Uploaded {
  if (duplicates === 'error') throw new ApiError('exists')
  return {
    CertificateId: duplicates === 'repeat-cert-id-only' ? '' : existing.id,
    RepeatCertId: duplicates === 'certificate-id-only' ? '' : existing.id,
  }
}

export function upload(sent: Upload, vault: CertificateStore, duplicates: Duplicates, now: number): Uploaded {
  const type = typeOf(sent)
  const chain = judged(sent, type)
  const copies = vault.copies(fingerprintOf(chain[0]), type)
  const [existing] = copies
  // The existing certificate keeps its alias and tags: observed, and a client must not count on an update.
  if (existing && (sent.Repeatable === false || copies.length > FLOOD)) return repeated(existing, duplicates)
  const deposit = {
    type,
    alias: sent.Alias ?? '',
    projectId: sent.ProjectId ?? 0,
    use: sent.CertificateUse ?? '',
    tags: sent.Tags ?? [],
    insertedAt: new Date(now),
    chainPem: sent.CertificatePublicKey,
    keyPem: sent.CertificatePrivateKey && type === 'SVR' ? secret(sent.CertificatePrivateKey) : undefined,
  }
  return { CertificateId: vault.put(deposit, chain).id, RepeatCertId: '' }
}

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

function list(query: Query, all: readonly StoredCertificate[], now: number) {
  const found = ordered(all, query.ExpirationSort).filter(certificate => passes(query, certificate, now))
  const { Offset = 0, Limit = 10 } = query
  const page = found.slice(Offset, Offset + Math.min(Limit, 1000))
  return { TotalCount: found.length, Certificates: page.map(certificate => listed(certificate, now)) }
}

export interface Backend {
  readonly vault: CertificateStore
  readonly duplicates: Duplicates
  readonly now: () => number
  readonly newId: () => string
}

type Actions = { readonly [A in Action]: (sent: Sent<A>, office: Backend) => object }

function held(id: string, vault: CertificateStore): StoredCertificate {
  const certificate = vault.get(id)
  if (!certificate) throw new ApiError('notFound')
  return certificate
}

function copyOf(pem: string, vault: CertificateStore): StoredCertificate | undefined {
  try {
    return vault.copies(fingerprintOf(readCertificates(pem)[0]))[0]
  } catch (error) {
    // CertificateParseError is not among the codes this action documents.
    throw error instanceof ApiError ? new ApiError('parameter') : error
  }
}

const ACTIONS: Actions = {
  UploadCertificate: (sent, { vault, duplicates, now }) => upload(sent, vault, duplicates, now()),
  DescribeCertificates: (sent, { vault, now }) => list(sent, vault.all(), now()),
  DescribeCertificateDetail: ({ CertificateId }, { vault, now }) =>
    detailed(held(CertificateId, vault), now()),
  CheckCertificateExist: ({ CertificatePublicKey }, { vault }) => ({
    RepeatCertId: copyOf(CertificatePublicKey, vault)?.id ?? '',
  }),
  DeleteCertificate: ({ CertificateId, IsCheckResource = false }, { vault, newId }) => {
    vault.remove(held(CertificateId, vault).id)
    return { DeleteResult: true, TaskId: IsCheckResource ? newId() : null }
  },
}

/** Generic over the action, so that a handler never meets another action's parameters. */
export const perform = <A extends Action>(action: A, sent: object, office: Backend): object =>
  ACTIONS[action](prove(action, sent), office)
