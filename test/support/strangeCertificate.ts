/** Certificates from parts that may be of any kind, truly signed: their authors are whoever a server's disk is open to. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import {
  bits,
  boolean,
  element,
  integer,
  nothing,
  octets,
  oid,
  pem,
  sequence,
  set,
  tagged,
  time,
  utf8,
} from './der.ts'

export interface Parts {
  readonly key: KeyObject
  /** Signs; its own key where nobody is named. */
  readonly signer?: KeyObject
  readonly subject?: Buffer
  readonly issuer?: Buffer
  /** The whole INTEGER. */
  readonly serial?: Buffer
  /** The two times, one after the other. */
  readonly validity?: readonly [Buffer, Buffer]
  readonly extensions?: readonly Buffer[]
  /** The key it says is its own, where that is not to be the real one. */
  readonly publicKey?: Buffer
  /** In place of a true one. */
  readonly signature?: Buffer
}

const COMMON_NAME = '2.5.4.3'

/** A distinguished name of one attribute each. */
export const nameOf = (...attributes: ReadonlyArray<readonly [type: string, value: Buffer]>) =>
  sequence(...attributes.map(([type, value]) => set(sequence(oid(type), value))))

export const commonName = (text: string) => nameOf([COMMON_NAME, utf8(text)])

export const extension = (type: string, value: Buffer, critical = false) =>
  sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(value))

export const alternativeNames = (...names: readonly Buffer[]) => extension('2.5.29.17', sequence(...names))
export const dns = (text: string | Buffer) => element(0x82, Buffer.from(text as string))
export const isAuthority = () => extension('2.5.29.19', sequence(boolean(true)), true)

const ALGORITHMS: Readonly<Record<string, readonly Buffer[]>> = {
  rsa: [oid('1.2.840.113549.1.1.11'), nothing()],
  ec: [oid('1.2.840.10045.4.3.2')],
  ed25519: [oid('1.3.101.112')],
}

const DAY = 86_400_000
const fromNow = (days: number) => time(new Date(Date.now() + days * DAY).toISOString())

export function strange({ key, signer = key, ...parts }: Parts): Buffer {
  const type = signer.asymmetricKeyType ?? ''
  const algorithm = sequence(...(ALGORITHMS[type] ?? []))
  const subject = parts.subject ?? commonName('strange.example')
  const extensions = parts.extensions ?? []
  const signed = sequence(
    tagged(0, integer(2)),
    parts.serial ?? integer(4096),
    algorithm,
    parts.issuer ?? subject,
    sequence(...(parts.validity ?? [fromNow(-1), fromNow(44)])),
    subject,
    parts.publicKey ?? createPublicKey(key).export({ type: 'spki', format: 'der' }),
    ...(extensions.length ? [tagged(3, sequence(...extensions))] : []),
  )
  const signature = parts.signature ?? sign(type === 'ed25519' ? null : 'sha256', signed, signer)
  return sequence(signed, algorithm, bits(signature))
}

export const strangePem = (parts: Parts) => pem('CERTIFICATE', strange(parts))
