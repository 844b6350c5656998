/** UploadCertificate: judge the pair, answer a duplicate with the id it has, store anything else. */
import { secret } from '../core/secret.ts'
import { type Chain, readAuthorities, readServerPair } from './certificate.ts'
import type { Sent } from './parameters.ts'
import { ApiError } from './refusal.ts'
import {
  type CertificateStore,
  type CertificateType,
  fingerprintOf,
  type StoredCertificate,
} from './vault.ts'

/** Which of the two ids carries the answer for a duplicate: nobody has captured it, so a client must take any. */
export type Duplicates = 'both' | 'certificate-id-only' | 'repeat-cert-id-only' | 'error'

export interface Uploaded {
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
