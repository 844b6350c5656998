/** What each action does with the stored certificates. Pure. */
import { secret } from '../secret.ts'
import { ApiError } from './errors.ts'
import { type Action, checkParameters, type Parameters } from './request.ts'
import {
  type CertificateStore,
  type CertificateType,
  fingerprintOf,
  readAuthorities,
  readCertificates,
  readServerPair,
  type StoredCertificate,
} from './store.ts'

/** Which of its two IDs the service fills in for a duplicate is not known, so a client must take either. */
export type Duplicates = 'both' | 'certificate-id-only' | 'repeat-cert-id-only' | 'error'

export interface Backend {
  readonly store: CertificateStore
  readonly duplicates: Duplicates
  readonly now: () => number
  readonly newId: () => string
}

type Upload = Parameters<'UploadCertificate'>

function typeOf({ CertificateType: type = 'SVR' }: Upload): CertificateType {
  if (type === 'SVR' || type === 'CA') return type
  throw new ApiError('certificateType', { name: type })
}

function duplicateReply({ id }: StoredCertificate, duplicates: Duplicates) {
  if (duplicates === 'error') throw new ApiError('exists')
  return {
    CertificateId: duplicates === 'repeat-cert-id-only' ? '' : id,
    RepeatCertId: duplicates === 'certificate-id-only' ? '' : id,
  }
}

function upload(sent: Upload, { store, duplicates, now }: Backend) {
  const type = typeOf(sent)
  const pem = sent.CertificatePublicKey
  const key = sent.CertificatePrivateKey
  const chain =
    type === 'CA'
      ? readAuthorities(pem)
      : readServerPair({ certificate: pem, key, password: sent.KeyPassword })
  const existing = store.find(fingerprintOf(chain[0]), type)
  // as observed, the existing certificate keeps its alias and tags
  if (existing && sent.Repeatable === false) return duplicateReply(existing, duplicates)
  const stored = store.add(
    {
      type,
      alias: sent.Alias ?? '',
      projectId: sent.ProjectId ?? 0,
      use: sent.CertificateUse ?? '',
      tags: sent.Tags ?? [],
      insertedAt: new Date(now()),
      chainPem: pem,
      keyPem: key && type === 'SVR' ? secret(key) : undefined,
    },
    chain,
  )
  return { CertificateId: stored.id, RepeatCertId: '' }
}

/** The service writes Beijing time without a zone. */
const beijingTime = (date: Date) =>
  new Date(date.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')

/** Some numbers are strings on the wire. */
function listed(certificate: StoredCertificate, now: number) {
  const expired = certificate.notAfter.getTime() < now
  return {
    CertificateId: certificate.id,
    CertificateType: certificate.type,
    ProjectId: String(certificate.projectId),
    Alias: certificate.alias,
    Domain: certificate.names[0] ?? '',
    SubjectAltName: certificate.names,
    Status: expired ? 3 : 1,
    StatusName: expired ? '已过期' : '已通过',
    From: 'upload',
    CertBeginTime: beijingTime(certificate.notBefore),
    CertEndTime: beijingTime(certificate.notAfter),
    InsertTime: beijingTime(certificate.insertedAt),
    Deployable: certificate.type === 'SVR',
    Tags: certificate.tags,
  }
}

/** Newest first. */
function list(query: Parameters<'DescribeCertificates'>, { store, now }: Backend) {
  const { Offset = 0, Limit = 10, SearchKey = '', CertIds } = query
  const found = store
    .all()
    .toReversed()
    .filter(({ id, alias, names }) => [id, alias, ...names].some(text => text.includes(SearchKey)))
    .filter(({ id }) => CertIds === undefined || CertIds.includes(id))
  const page = found.slice(Offset, Offset + Math.min(Limit, 1000))
  return { TotalCount: found.length, Certificates: page.map(each => listed(each, now())) }
}

function checkExists(pem: string, store: CertificateStore) {
  try {
    return { RepeatCertId: store.find(fingerprintOf(readCertificates(pem)[0]))?.id ?? '' }
  } catch (error) {
    // CertificateParseError is not among the codes that this action documents
    throw error instanceof ApiError ? new ApiError('parameter') : error
  }
}

type Actions = { readonly [A in Action]: (sent: Parameters<A>, backend: Backend) => object }

const ACTIONS: Actions = {
  UploadCertificate: upload,
  DescribeCertificates: list,
  CheckCertificateExist: ({ CertificatePublicKey }, { store }) => checkExists(CertificatePublicKey, store),
  DeleteCertificate: ({ CertificateId, IsCheckResource = false }, { store, newId }) => {
    if (!store.remove(CertificateId)) throw new ApiError('notFound')
    return { DeleteResult: true, TaskId: IsCheckResource ? newId() : null }
  },
}

export const perform = <A extends Action>(action: A, sent: object, backend: Backend): object =>
  ACTIONS[action](checkParameters(action, sent), backend)
