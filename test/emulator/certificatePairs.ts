/** Certificates and keys made on the spot, small and signed by an authority of the tests' own. */
import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto)

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
}

export interface Issued {
  readonly pem: string
  readonly keyPem: string
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

export interface Wish {
  readonly name: string
  readonly names?: readonly string[]
  readonly issuer?: Issued
  readonly authority?: boolean
  readonly rsa?: boolean
  /** The key pair of somebody else. */
  readonly keys?: Issued['keys']
  readonly from?: string
  readonly to?: string
}

let serial = 0

async function pkcs8(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString()
}

export async function issue(wish: Wish): Promise<Issued> {
  const algorithm = wish.rsa ? RSA : EC
  const keys =
    wish.keys ??
    ((await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair)
  const alternatives = (wish.names ?? []).map(value => ({ type: 'dns' as const, value }))
  serial += 1
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(4, '0'),
    subject: `CN=${wish.name}`,
    issuer: wish.issuer?.certificate.subject ?? `CN=${wish.name}`,
    notBefore: new Date(wish.from ?? '2026-01-01T00:00:00Z'),
    notAfter: new Date(wish.to ?? '2036-01-01T00:00:00Z'),
    signingAlgorithm: wish.issuer
      ? wish.issuer.keys.privateKey.algorithm.name === 'ECDSA'
        ? EC
        : RSA
      : algorithm,
    publicKey: keys.publicKey,
    signingKey: wish.issuer?.keys.privateKey ?? keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(wish.authority ?? false, undefined, true),
      ...(alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : []),
    ],
  })
  return { pem: `${certificate.toString('pem')}\n`, keyPem: await pkcs8(keys.privateKey), certificate, keys }
}

export const root = await issue({ name: 'Root of the tests', authority: true })
export const intermediate = await issue({ name: 'Intermediate', authority: true, issuer: root })
export const leaf = await issue({
  name: 'a.example.com',
  names: ['a.example.com', '*.b.example.com'],
  issuer: intermediate,
})
export const other = await issue({ name: 'other.example.com', issuer: intermediate })
export const rsaLeaf = await issue({ name: 'rsa.example.com', rsa: true, issuer: intermediate })
export const selfSigned = await issue({ name: 'self.example.com' })
export const expired = await issue({
  name: 'old.example.com',
  from: '2020-01-01T00:00:00Z',
  to: '2020-04-01T00:00:00Z',
})

/** Looks like the intermediate; its key is another. */
export const impostor = await issue({ name: 'Intermediate', authority: true, issuer: root })
/** Has the intermediate's key; its name is another. */
export const renamed = await issue({
  name: 'Renamed',
  authority: true,
  issuer: root,
  keys: intermediate.keys,
})

export const chainPem = leaf.pem + intermediate.pem

/** The same key in another coat. */
export const keyAs = (keyPem: string, type: 'pkcs1' | 'sec1') =>
  createPrivateKey(keyPem).export({ format: 'pem', type }).toString()

export const lockedKey = (keyPem: string, passphrase: string) =>
  createPrivateKey(keyPem)
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase })
    .toString()

/** openssl req -x509 on the curve SM2; its key was thrown away. */
export const sm2Pem = `-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUSl/w4cMpvTXU90IVN/lF1Byr3fowCgYIKoEcz1UBg3Uw
GjEYMBYGA1UEAwwPc20yLmV4YW1wbGUuY29tMB4XDTI2MTEyMzIxMzcwN1oXDTM2
MTEyMDIxMzcwN1owGjEYMBYGA1UEAwwPc20yLmV4YW1wbGUuY29tMFkwEwYHKoZI
zj0CAQYIKoEcz1UBgi0DQgAEPRQVwuIk5uRZq+XMOvmTgM6Tj2pIuN2gSRtmRGzr
899y0i/1EdAjwUwQs1uPS4CmhA9aDbk7ml1Y6iCzSZ9BB6NTMFEwHQYDVR0OBBYE
FKY1pifhQx4ycwhOfM+zYbbnn2ZhMB8GA1UdIwQYMBaAFKY1pifhQx4ycwhOfM+z
Ybbnn2ZhMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoEcz1UBg3UDSAAwRQIhAMr4LQtt
7w5MYFwmg4SBOFncCH89INQ8XO5eRS+e0CTSAiBT51AjhUKMZ/0D/KLOw2ZdYZTj
h8HBdOjlCKYLS+WFfg==
-----END CERTIFICATE-----
`
