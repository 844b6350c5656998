/** Certificates that are the same in every build: keys are hashes of their names, and Ed25519 signs without chance. */
import 'reflect-metadata'
import { createECDH, createHash, createPrivateKey, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key. */
const ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

const VALIDITY = { notBefore: new Date('2020-01-01'), notAfter: new Date('2049-01-01') }

const ISSUER = 'CN=certferry build authority'

const URL = 'http://ca.example.com/issuer'

/** What public authorities write into every certificate of a server. */
const USUAL = [
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.AuthorityInfoAccessExtension({ caIssuers: `${URL}.der` }),
  new x509.CRLDistributionPointsExtension([`${URL}.crl`]),
  new x509.CertificatePolicyExtension(['2.23.140.1.2.1']),
]

const seedOf = (name: string) => createHash('sha256').update(name).digest()

/** A pair of a leaf and its issuer for each name, for the program to upload; they open nothing. */
export async function sameCertificates(names: readonly string[]) {
  x509.cryptoProvider.set(webcrypto)
  const { subtle } = webcrypto
  const own = createPrivateKey({
    key: Buffer.concat([ED25519, seedOf(ISSUER)]),
    format: 'der',
    type: 'pkcs8',
  })
  const signingKey = await own.toCryptoKey('Ed25519', true, ['sign'])
  const { x = '', kty = '', crv = '' } = own.export({ format: 'jwk' })
  const publicKey = await subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', true, ['verify'])
  const usual = { ...VALIDITY, issuer: ISSUER, signingKey, signingAlgorithm: { name: 'Ed25519' } as never }
  const issuer = await x509.X509CertificateGenerator.create({
    ...usual,
    serialNumber: '01',
    subject: ISSUER,
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return Promise.all(names.map(issue))

  async function issue(name: string, i: number) {
    const pair = createECDH('prime256v1')
    pair.setPrivateKey(seedOf(name))
    const point = pair.getPublicKey()
    const jwk = {
      kty: 'EC',
      crv: EC.namedCurve,
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    }
    const leafKey = await subtle.importKey('jwk', jwk, EC, true, ['verify'])
    const leaf = await x509.X509CertificateGenerator.create({
      ...usual,
      serialNumber: `03a1${seedOf(`${name} ${i}`).toString('hex').slice(0, 28)}`,
      subject: `CN=${name}`,
      publicKey: leafKey,
      extensions: [
        ...USUAL,
        await x509.SubjectKeyIdentifierExtension.create(leafKey),
        await x509.AuthorityKeyIdentifierExtension.create(publicKey),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      ],
    })
    const d = pair.getPrivateKey().toString('base64url')
    const key = createPrivateKey({ format: 'jwk', key: { ...jwk, d } }).export({
      type: 'pkcs8',
      format: 'pem',
    })
    return {
      leaf: `${leaf.toString('pem')}\n`,
      issuer: `${issuer.toString('pem')}\n`,
      key: key.toString(),
    }
  }
}
