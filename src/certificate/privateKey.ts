/** Reads a private key from PEM, and writes it as PKCS#8, the one form that the service takes for RSA and EC. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Fault } from '../errors.ts'
import { type Secret, secret } from '../secret.ts'
import { decryptPkcs8, decryptWithHeaders } from './encryptedKey.ts'
import { formOf, mislabelled } from './fileForm.ts'
import {
  curveOf,
  type Encoded,
  encodedIn,
  isEncryptedForm,
  isKeyForm,
  keyFault,
  type PlainKey,
  readPlainKey,
  requireSoundNumbers,
  writeWithNamedCurve,
} from './keyStructure.ts'
import { type Block, isPrivate, readPem } from './pem.ts'

export interface PrivateKey {
  readonly object: KeyObject
  /** PKCS#8 PEM; encrypted with the operator's password where it was encrypted on disk. */
  readonly pem: Secret
  /** The password that opens `pem`, or undefined for a plain key. */
  readonly password: Secret | undefined
}

/** Recognised by its content, not its label: with headers the base64 holds no DER. */
export const isEncrypted = (block: Block, read = encodedIn(decode(block))) =>
  hasHeaders(block) || isEncryptedForm(read)

const hasHeaders = ({ text }: Block) => /^Proc-Type: *4, *ENCRYPTED/m.test(text)

/** Empty where the block holds no base64. */
function decode({ der }: Block): Buffer {
  try {
    return der()
  } catch {
    return Buffer.alloc(0)
  }
}

/**
 * `still`: the file has not been written for a minute.
 * @throws Fault PAIR_INCOMPLETE, KEY_INVALID, KEY_ENCRYPTED or KEY_PASSWORD_WRONG; none of them quotes the file.
 */
export function readKey(text: string, file: string, password: Secret | undefined, still = false): PrivateKey {
  const { blocks, incomplete } = readPem(text, file, still)
  const keys = blocks.filter(isPrivate)
  const [block, ...more] = keys.filter((one, i) => keys.findIndex(other => other.text === one.text) === i)
  if (incomplete && (block || blocks.length || formOf({ path: file, text }, blocks, 'key').unknown))
    throw still
      ? new Fault('KEY_INVALID', `${file}: ${cutOff(text)}`, { advice: ANEW })
      : new Fault('PAIR_INCOMPLETE', `${file}: ${cutOff(text)}`)
  if (!block) throw keyless({ path: file, text }, blocks)
  const opened = openKey(block, file, password)
  const [other] = more
  // one key may stand there twice, in two forms; each takes time to open
  if (other && (more.length > 1 || !isSame(opened, openKey(other, file, password))))
    throw new Fault('KEY_INVALID', `${file}: holds ${keys.length} private keys, one is expected`, {
      advice: 'Keep the key of this certificate in the file, and no other.',
    })
  return {
    ...opened,
    // written only for an upload
    get pem() {
      return pkcs8(opened)
    },
  }
}

/** KeyObject.equals of two kinds makes OpenSSL's next call fail. */
const isSame = (one: ParsedKey, other: ParsedKey) => {
  const [a, b] = [one, other].map(({ object }) => object.export({ type: 'pkcs8', format: 'der' }))
  return a !== undefined && b?.equals(a)
}

const cutOff = (text: string) => (text.trim() ? 'ends before the key does' : 'is empty')

const ANEW = 'It has not been written for a minute: have the ACME client write it again.'

/** Of a file that was to hold a key. */
export function keyless(
  file: { readonly path: string; readonly text: string },
  blocks: readonly Block[],
): Fault {
  const { says, advice } = formOf(file, blocks, 'key')
  return new Fault('KEY_INVALID', `${file.path}: ${says}`, { advice })
}

/** Labels of keys for certificates; blocks with others, such as OpenSSH's, hold no DER. */
const LABELS: ReadonlySet<string> = new Set([
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
])

type ParsedKey = Pick<PrivateKey, 'object' | 'password'>

/** @throws Fault as readKey. */
export function openKey(block: Block, file: string, password: Secret | undefined): ParsedKey {
  const read = encodedIn(decode(block))
  const encrypted = isEncrypted(block, read)
  try {
    if (encrypted && !password)
      throw new Fault('KEY_ENCRYPTED', 'the private key is encrypted and no password is configured')
    const plain = encrypted ? encodedIn(decrypt(block, password?.reveal() ?? '')) : read
    const form = isKeyForm(plain) ? undefined : mislabelled(block, 'key')
    if (form) throw new Fault('KEY_INVALID', form.says, { advice: form.advice })
    if (!isKeyForm(plain) && !LABELS.has(block.label)) throw foreign(block.label)
    return { object: objectOf(plain), password: encrypted ? password : undefined }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    // without a cause, which may quote the key
    throw new Fault(error.code, `${file}: ${error.message}`, { advice: error.advice })
  }
}

const foreign = (label: string) =>
  new Fault('KEY_INVALID', `a key of the form "${label}" is not one for certificates`, {
    ...(label === 'OPENSSH PRIVATE KEY' && {
      advice: 'Convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY',
    }),
  })

const decrypt = (block: Block, password: string): Buffer =>
  hasHeaders(block) ? decryptWithHeaders(block.text, password) : decryptPkcs8(decode(block), password)

/** Opens DER, not PEM: OpenSSL's reader of PEM refuses indented, joined or double-spaced lines. */
function objectOf(plain: Encoded): KeyObject {
  const key = readPlainKey(plain)
  const object = parse(plain.der, key.format)
  const curve = curveOf(object)
  if (key.kind === 'ec' && !curve)
    throw keyFault('describes its curve by numbers, and no named curve has these')
  requireSoundNumbers(key, object)
  if (key.kind !== 'ec' || !key.explicitCurve || !curve) return object
  return parse(writeWithNamedCurve(key.secret, curve), 'pkcs8')
}

function parse(key: Buffer, type: PlainKey['format']): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type })
  } catch {
    throw keyFault('cannot be read')
  }
}

const pkcs8 = ({ object, password }: ParsedKey): Secret =>
  secret(
    object
      .export({
        type: 'pkcs8',
        format: 'pem',
        ...(password && { cipher: 'aes-256-cbc', passphrase: password.reveal() }),
      })
      .toString(),
  )
