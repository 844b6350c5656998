/** Private keys of every kind a server may hold, and the coats they come in. Touches nothing but the dice. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, type webcrypto } from 'node:crypto'

export type KeyKind = 'p256' | 'p384' | 'p521' | 'rsa2048' | 'rsa3072' | 'ed25519'

const curve = (namedCurve: string) => () => generateKeyPairSync('ec', { namedCurve }).privateKey

function once(make: () => KeyObject): () => KeyObject {
  let made: KeyObject | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** An RSA key takes up to a second to find, so one of each length serves the whole process. */
const rsa = (modulusLength: number) => once(() => generateKeyPairSync('rsa', { modulusLength }).privateKey)

const MAKERS: Readonly<Record<KeyKind, () => KeyObject>> = {
  p256: curve('P-256'),
  p384: curve('P-384'),
  p521: curve('P-521'),
  rsa2048: rsa(2048),
  rsa3072: rsa(3072),
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

export const newKey = (kind: KeyKind = 'p256'): KeyObject => MAKERS[kind]()

/** The same key as WebCrypto wants it, for signing. */
export function signingKey(key: KeyObject): webcrypto.CryptoKey {
  if (key.asymmetricKeyType === 'ed25519') return key.toCryptoKey('Ed25519', true, ['sign'])
  if (key.asymmetricKeyType === 'rsa')
    return key.toCryptoKey({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, ['sign'])
  const namedCurve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (!namedCurve) throw new TypeError(`no signing with a key of type ${key.asymmetricKeyType}`)
  return key.toCryptoKey({ name: 'ECDSA', namedCurve }, true, ['sign'])
}

/** PKCS#8, `BEGIN PRIVATE KEY`: what certbot and OpenSSL 3 write. */
export const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** `BEGIN EC PRIVATE KEY`: what acme.sh and OpenSSL's ecparam write. */
export const sec1 = (keyPem: string): string =>
  createPrivateKey(keyPem).export({ type: 'sec1', format: 'pem' }).toString()

/** `BEGIN RSA PRIVATE KEY`. */
export const pkcs1 = (keyPem: string): string =>
  createPrivateKey(keyPem).export({ type: 'pkcs1', format: 'pem' }).toString()

/** `BEGIN ENCRYPTED PRIVATE KEY`. */
export const encrypted = (keyPem: string, password: string): string =>
  createPrivateKey(keyPem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password })
    .toString()

/** The form that openssl's ecparam and genrsa -traditional print, and acme.sh keeps. */
export function traditional(keyPem: string): string {
  const type = createPrivateKey(keyPem).asymmetricKeyType
  if (type === 'ec') return sec1(keyPem)
  return type === 'rsa' ? pkcs1(keyPem) : keyPem
}
