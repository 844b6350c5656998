/** A private key out of PEM, and back as PKCS#8, the one form the service is known to take for RSA and EC alike. Pure. */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  type ECDH,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { Fault } from '../errors.ts'
import { type Secret, secret } from '../secret.ts'
import { element, elementsIn } from './der.ts'
import { formOf } from './fileForm.ts'
import {
  INTEGER,
  isKeyForm,
  isLockedForm,
  membersOf,
  numberOf,
  OCTETS,
  type PlainKey,
  plainKey,
  SEQUENCE,
} from './keyForm.ts'
import { unlocked, unlockedByHeaders } from './keyLock.ts'
import { type Block, isPrivate, readPem } from './pem.ts'

const HALVES = 'is damaged: its two halves do not belong together'

const RANGE = 'is damaged: its number is not in the range of its curve'

/** What is wrong with a key that OpenSSL has read, or nothing. */
function damage(key: PlainKey, object: KeyObject): string | undefined {
  if (key.kind === 'rsa') return isSoundRsa(key) ? undefined : HALVES
  // the public half of Edwards keys is computed, never read
  return key.kind === 'ec' ? damageOfEc(key, object) : undefined
}

/** RFC 8017, 3.2, with any number of primes. */
function isSoundRsa({ members }: PlainKey): boolean {
  const [, n = 0n, e = 0n, d = 0n, p = 0n, q = 0n, dp = 0n, dq = 0n, qi = 0n] = members
    .filter(({ tag }) => tag === INTEGER)
    .map(({ content }) => numberOf(content))
  const others = members
    .filter(({ tag }) => tag === SEQUENCE)
    .flatMap(({ content }) => elementsIn(content) ?? [])
    .map(({ content }) => (elementsIn(content) ?? []).map(one => numberOf(one.content)))
  const fits = (prime: bigint, part: bigint) =>
    prime > 1n && (e * d) % (prime - 1n) === 1n % (prime - 1n) && (part - d) % (prime - 1n) === 0n
  if (!fits(p, dp) || !fits(q, dq) || (q * qi) % p !== 1n) return false
  let product = p * q
  for (const [prime = 0n, part = 0n, coefficient = 0n] of others) {
    if (!fits(prime, part) || (product * coefficient) % prime !== 1n) return false
    product *= prime
  }
  return n === product
}

/** SM2's number of points: its signing adds one to the key's number and divides by the sum. */
const SM2_ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n

function damageOfEc({ members }: PlainKey, object: KeyObject): string | undefined {
  const curve = curveOf(object)
  const secret = members[1]?.content
  if (!curve || !secret) return HALVES
  if (curve === 'SM2' && numberOf(secret) >= SM2_ORDER - 1n) return RANGE
  const ecdh = createECDH(curve)
  try {
    ecdh.setPrivateKey(secret)
  } catch {
    return RANGE
  }
  const point = pointOf(object)
  return point.equals(publicOf(ecdh, point[0])) ? undefined : HALVES
}

/** The name of its curve; undefined where it has none. Node names every curve but SM2, which is a kind of its own to OpenSSL. */
const curveOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined =>
  asymmetricKeyType === 'ec' ? asymmetricKeyDetails?.namedCurve : 'SM2'

const pointOf = (object: KeyObject): Buffer => {
  const members = membersOf(createPublicKey(object).export({ type: 'spki', format: 'der' }))
  // the first byte of a bit string says how many of its bits are none
  return members[1]?.content.subarray(1) ?? Buffer.alloc(0)
}

function publicOf(ecdh: ECDH, form: number | undefined): Buffer {
  if (form === 2 || form === 3) return ecdh.getPublicKey(null, 'compressed')
  return form === 6 || form === 7
    ? ecdh.getPublicKey(null, 'hybrid')
    : ecdh.getPublicKey(null, 'uncompressed')
}

/** A key that says its curve by numbers, as PKCS#8 that names it: what else reads such a key is rare. */
function withNamedCurve({ members }: PlainKey, curve: string): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const algorithm = membersOf(publicKey.export({ type: 'spki', format: 'der' }))[0]?.content
  const [version, secret] = [
    element(INTEGER, Buffer.of(1)),
    element(OCTETS, members[1]?.content ?? Buffer.alloc(0)),
  ]
  return element(
    SEQUENCE,
    element(INTEGER, Buffer.of(0)),
    element(SEQUENCE, algorithm ?? Buffer.alloc(0)),
    element(OCTETS, element(SEQUENCE, version, secret)),
  )
}

export interface PrivateKey {
  readonly object: KeyObject
  /** PKCS#8 PEM; encrypted with the operator's password where it was encrypted on disk. */
  readonly pem: Secret
  /** The password that opens `pem`, or undefined for a plain key. */
  readonly password: Secret | undefined
}

/** By its content, not its label; headers stand before base64 that is no DER. */
export const isEncrypted = (block: Block) => hasHeaders(block) || isLockedForm(decoded(block))

const hasHeaders = ({ text }: Block) => /^Proc-Type: *4, *ENCRYPTED/m.test(text)

/** Nothing where the block holds no base64. */
function decoded({ der }: Block): Buffer {
  try {
    return der()
  } catch {
    return Buffer.alloc(0)
  }
}

/**
 * `still`: nobody has written the file for long.
 * @throws Fault PAIR_INCOMPLETE, KEY_INVALID, KEY_ENCRYPTED or KEY_PASSWORD_WRONG; none of them quotes the file.
 */
export function readKey(text: string, file: string, password: Secret | undefined, still = false): PrivateKey {
  const { blocks, incomplete } = readPem(text, file, still)
  const [block, ...more] = blocks.filter(isPrivate)
  if (incomplete && (block || blocks.length || formOf({ path: file, text }, blocks, 'key').unknown))
    throw still
      ? new Fault('KEY_INVALID', `${file}: ${cutOff(text)}`, { advice: ANEW })
      : new Fault('PAIR_INCOMPLETE', `${file}: ${cutOff(text)}`)
  if (!block) throw keyless({ path: file, text }, blocks)
  if (more.length)
    throw new Fault('KEY_INVALID', `${file}: holds ${more.length + 1} private keys, one is expected`)
  const opened = openKey(block, file, password)
  const problem = opened.damage()
  if (problem) throw invalid(file, problem)
  return {
    ...opened,
    // few keys are sent: whoever only compares need not write it
    get pem() {
      return pkcs8(opened)
    },
  }
}

const cutOff = (text: string) => (text.trim() ? 'ends before the key does' : 'is empty')

const ANEW = 'Nobody is writing it any more: have the ACME client write it anew.'

/** Of a file that was to hold a key. */
export function keyless(
  file: { readonly path: string; readonly text: string },
  blocks: readonly Block[],
): Fault {
  const { says, advice } = formOf(file, blocks, 'key')
  return new Fault('KEY_INVALID', `${file.path}: ${says}`, { advice })
}

/** What a key for certificates may be called, whatever its content; others, such as OpenSSH's, hold no DER. */
const LABELS: ReadonlySet<string> = new Set([
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
])

interface ParsedKey extends Pick<PrivateKey, 'object' | 'password'> {
  /** What is wrong with its numbers, or nothing. */
  readonly damage: () => string | undefined
}

export function openKey(block: Block, file: string, password: Secret | undefined): ParsedKey {
  const locked = isEncrypted(block)
  if (locked && !password)
    throw new Fault('KEY_ENCRYPTED', `${file}: the private key is encrypted and no password is configured`)
  const der = locked ? unlock(block, file, password?.reveal() ?? '') : decoded(block)
  if (!isKeyForm(der) && !LABELS.has(block.label))
    throw new Fault(
      'KEY_INVALID',
      `${file}: a key of the form "${block.label}" is not one for certificates`,
      {
        ...(block.label === 'OPENSSH PRIVATE KEY' && {
          advice: `Convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY`,
        }),
      },
    )
  return { ...objectOf(der, file), password: locked ? password : undefined }
}

function unlock(block: Block, file: string, password: string): Buffer {
  const opened = hasHeaders(block)
    ? unlockedByHeaders(block.text, password)
    : unlocked(decoded(block), password)
  if ('problem' in opened) throw invalid(file, opened.problem)
  if ('wrong' in opened)
    throw new Fault('KEY_PASSWORD_WRONG', `${file}: the configured password does not open the private key`)
  return opened.der
}

/** From its DER: indented, flattened or double-spaced lines trouble OpenSSL's reader of PEM, not ours. */
function objectOf(der: Buffer, file: string): Pick<ParsedKey, 'object' | 'damage'> {
  const key = plainKey(der)
  if ('problem' in key) throw invalid(file, key.problem)
  const object = read(der, key.format, file)
  if (key.kind === 'ec' && !curveOf(object)) throw invalid(file, NAMELESS)
  const named = key.explicitCurve ? read(withNamedCurve(key, curveOf(object) ?? ''), 'pkcs8', file) : object
  return { object: named, damage: () => damage(key, object) }
}

const NAMELESS = 'describes its curve by numbers, and no named curve has these'

function read(key: Buffer, type: PlainKey['format'], file: string): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type })
  } catch {
    // no cause: what OpenSSL was given must not travel with an error
    throw invalid(file, 'cannot be read')
  }
}

const invalid = (file: string, problem: string) =>
  new Fault('KEY_INVALID', `${file}: the private key ${problem}`)

const pkcs8 = ({ object, password }: Pick<ParsedKey, 'object' | 'password'>): Secret =>
  secret(
    password
      ? object
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password.reveal() })
          .toString()
      : object.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
