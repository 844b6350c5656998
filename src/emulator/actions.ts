/** What each action does once its parameters are proven. Touches the vault and nothing else. */
import { readCertificates } from './certificate.ts'
import { detailed } from './description.ts'
import { list } from './list.ts'
import { type Action, prove, type Sent } from './parameters.ts'
import { ApiError } from './refusal.ts'
import { type Duplicates, upload } from './upload.ts'
import { type CertificateStore, fingerprintOf, type StoredCertificate } from './vault.ts'

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
