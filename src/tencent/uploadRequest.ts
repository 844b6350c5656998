/** The request that uploads a bundle, and what its reply says. Pure. */
import { createHash, createHmac } from 'node:crypto'
import type { Bundle } from '../certificate/bundle.ts'
import type { UploadSettings } from '../config/settings.ts'
import { type Field, LONGEST, PLACE } from '../config/values.ts'
import { Fault } from '../errors.ts'
import type { Parameters, Reply } from './response.ts'

/** Replaces each field once: a name that looks like a field stays as it is. */
export const aliasOf = (template: string, values: Readonly<Record<Field, string>>): string =>
  [...template.replace(PLACE, (_, field: Field) => values[field])].slice(0, LONGEST).join('')

export interface Uploaded {
  readonly certificateId: string
  readonly requestId: string
  /** The service answered with an ID it already had. */
  readonly reused: boolean
}

/** The parameters besides chain, key, password and alias. */
function parametersOf(bundle: Bundle, { type, projectId, use, tags, repeatable }: UploadSettings) {
  return {
    CertificateType: bundle.key ? (type ?? 'SVR') : 'CA',
    ...(projectId !== undefined && { ProjectId: projectId }),
    ...(use && { CertificateUse: use }),
    ...(tags.length && { Tags: tags.map(([TagKey, TagValue]) => ({ TagKey, TagValue })) }),
    // always sent, because by default the service stores a copy at every upload
    Repeatable: repeatable,
  }
}

/** The parameters of UploadCertificate. They contain the private key and must go to the socket only. */
export function uploadParameters(bundle: Bundle, settings: UploadSettings, name: string): Parameters {
  const { key, chainPem, names, notAfter } = bundle
  const alias = aliasOf(settings.alias, {
    name,
    domain: names[0] ?? name,
    notAfter: notAfter.toISOString().slice(0, 10),
  })
  return {
    CertificatePublicKey: chainPem,
    ...(key && { CertificatePrivateKey: key.pem.reveal() }),
    ...(key?.password && { KeyPassword: key.password.reveal() }),
    ...(alias && { Alias: alias }),
    ...parametersOf(bundle, settings),
  }
}

/** A digest of all settings of an upload: a recorded rejection applies only to the same settings. */
export const settingsDigest = (bundle: Bundle, settings: UploadSettings): string =>
  createHash('sha256')
    .update(
      JSON.stringify({
        ...parametersOf(bundle, settings),
        ...settings.service,
        alias: settings.alias,
        password: passwordDigest(bundle),
      }),
    )
    .digest('hex')
    .slice(0, 16)

/** Keyed with the private key, so that passwords cannot be guessed from a receipt. */
function passwordDigest({ key }: Bundle): string | undefined {
  if (!key?.password) return undefined
  const secret = key.object.export({ type: 'pkcs8', format: 'der' })
  return createHmac('sha256', secret).update(key.password.reveal()).digest('hex')
}

/** The service's IDs have eight letters and digits. They are written to logs, receipts and scripts as they are. */
const ID = /^[\w.-]{1,128}$/

const idIn = (value: unknown) => (typeof value === 'string' && ID.test(value) ? value : undefined)

/** @throws Fault REPLY_UNREADABLE if the service reports success without an ID. */
export function uploadedOf({ fields, requestId }: Reply): Uploaded {
  const repeated = idIn(fields.RepeatCertId)
  const certificateId = idIn(fields.CertificateId) ?? repeated
  if (!certificateId)
    throw new Fault('REPLY_UNREADABLE', 'the service reported success but named no certificate ID', {
      requestId,
      advice: "The next run asks again; if it stays, ask the service's support with the request ID.",
    })
  return { certificateId, requestId, reused: repeated !== undefined }
}

/** The ID of a certificate that exists according to `fault`. @throws that fault if the reply names none. */
export function existingOf({ fields, requestId }: Reply, fault: Fault): Uploaded {
  const certificateId = idIn(fields.RepeatCertId)
  if (!certificateId) throw fault
  return { certificateId, requestId, reused: true }
}
