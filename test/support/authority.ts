/** A certificate authority of the tests' own: a root, an intermediate, and the pen that signs. Touches only the dice. */
import 'reflect-metadata' // @peculiar/x509 registers its encoders through it and must come second
import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { newKey, pkcs8, signingKey } from './keys.ts'

x509.cryptoProvider.set(webcrypto)

export interface Issuer {
  readonly certificate: x509.X509Certificate
  readonly key: webcrypto.CryptoKey
}

export interface Authority {
  readonly root: string
  readonly intermediate: string
  readonly issuer: Issuer
}

export interface Draft {
  readonly key: KeyObject
  readonly subject: x509.JsonName
  readonly notBefore: Date
  readonly notAfter: Date
  readonly serial?: string | undefined
  readonly issuer?: Issuer | undefined
  readonly extensions: readonly x509.Extension[]
}

export async function sign({ key, subject, serial, issuer, extensions, ...dates }: Draft): Promise<Issuer> {
  const publicKey = createPublicKey(pkcs8(key)).export({ type: 'spki', format: 'der' })
  const own = signingKey(key)
  const certificate = await x509.X509CertificateGenerator.create({
    ...dates,
    ...(serial === undefined ? {} : { serialNumber: serial }),
    subject,
    issuer: issuer?.certificate.subjectName.toJSON() ?? subject,
    publicKey,
    signingKey: issuer?.key ?? own,
    extensions: [
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer?.certificate.publicKey ?? publicKey),
    ],
  })
  return { certificate, key: own }
}

/** X.520 ends a common name at 64 characters; a longer one is left out, as public authorities do. */
export const subjectOf = (commonName: string) => (commonName.length > 64 ? [] : [{ CN: [commonName] }])

export const pemOf = ({ certificate }: Issuer) => `${certificate.toString('pem').trim()}\n`

function signAuthority(commonName: string, issuer?: Issuer): Promise<Issuer> {
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  return sign({
    key: newKey(),
    subject: subjectOf(commonName),
    // Wide enough for a test that sets the clock years away.
    notBefore: new Date('2000-01-01T00:00:00Z'),
    notAfter: new Date('2049-12-31T23:59:59Z'),
    issuer,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
    ],
  })
}

export async function authority(name = 'certferry tests'): Promise<Authority> {
  const root = await signAuthority(`${name} root`)
  const issuer = await signAuthority(`${name} intermediate`, root)
  return { root: pemOf(root), intermediate: pemOf(issuer), issuer }
}

let shared: Promise<Authority> | undefined

export function sharedAuthority(): Promise<Authority> {
  shared ??= authority()
  return shared
}

/** A certificate authority's certificate, signed by itself: what one uploads to check clients with. */
export const caCertificate = async (name = 'certferry tests client CA'): Promise<string> =>
  pemOf(await signAuthority(name))
