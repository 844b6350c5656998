/** Certificates for the demonstration, issued by an authority in memory. */
import 'reflect-metadata'
import { KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const DAY = 86_400_000

export interface Issued {
  readonly leaf: string
  readonly issuer: string
  readonly key: string
}

/** Issues certificates of 45 days, as public authorities do, so many days ago; each with a key of its own. */
export async function openAuthority(now: number): Promise<(name: string, age: number) => Promise<Issued>> {
  x509.cryptoProvider.set(webcrypto)
  const keys = () => webcrypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const own = await keys()
  const issuer = await x509.X509CertificateGenerator.create({
    notBefore: new Date(now - 100 * DAY),
    notAfter: new Date(now + 100 * DAY),
    subject: 'CN=certferry demonstration authority',
    issuer: 'CN=certferry demonstration root',
    publicKey: own.publicKey,
    signingKey: (await keys()).privateKey,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })

  return async (name, age) => {
    const { publicKey, privateKey } = await keys()
    const leaf = await x509.X509CertificateGenerator.create({
      notBefore: new Date(now - age * DAY),
      notAfter: new Date(now + (45 - age) * DAY),
      subject: `CN=${name}`,
      issuer: issuer.subject,
      publicKey,
      signingKey: own.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
    })
    const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
    return { leaf: `${leaf.toString('pem')}\n`, issuer: `${issuer.toString('pem')}\n`, key }
  }
}
