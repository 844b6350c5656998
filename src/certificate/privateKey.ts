/** Reads a private key from PEM, and writes it as PKCS#8, the one form that the service takes for RSA and EC. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Fault } from '../errors.ts'
import { type Secret, secret } from '../secret.ts'
import { decryptPkcs8, decryptWithHeaders } from './encryptedKey.ts'
import { formOf } from './fileForm.ts'
import {
  curveOf,
  findDamage,
  isEncryptedForm,
  isKeyForm,
  type PlainKey,
  readPlainKey,
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

/** Told by its content, not its label: with headers the base64 holds no DER. */
export const isEncrypted = (block: Block) => hasHeaders(block) || isEncryptedForm(decode(block))

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
    // written only for an upload
    get pem() {
      return pkcs8(opened)
    },
  }
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

interface ParsedKey extends Pick<PrivateKey, 'object' | 'password'> {
  /** What is wrong with its numbers, or nothing. */
  readonly damage: () => string | undefined
}

export function openKey(block: Block, file: string, password: Secret | undefined): ParsedKey {
  const encrypted = isEncrypted(block)
  if (encrypted && !password)
    throw new Fault('KEY_ENCRYPTED', `${file}: the private key is encrypted and no password is configured`)
  const der = encrypted ? decrypt(block, file, password?.reveal() ?? '') : decode(block)
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
  return { ...objectOf(der, file), password: encrypted ? password : undefined }
}

function decrypt(block: Block, file: string, password: string): Buffer {
  const opened = hasHeaders(block)
    ? decryptWithHeaders(block.text, password)
    : decryptPkcs8(decode(block), password)
  if ('problem' in opened) throw invalid(file, opened.problem)
  if ('wrong' in opened)
    throw new Fault('KEY_PASSWORD_WRONG', `${file}: the configured password does not open the private key`)
  return opened.der
}

/** Opens DER, not PEM: OpenSSL's reader of PEM refuses indented, joined or double-spaced lines. */
function objectOf(der: Buffer, file: string): Pick<ParsedKey, 'object' | 'damage'> {
  const key = readPlainKey(der)
  if ('problem' in key) throw invalid(file, key.problem)
  const object = read(der, key.format, file)
  if (key.kind === 'ec' && !curveOf(object))
    throw invalid(file, 'describes its curve by numbers, and no named curve has these')
  const damage = () => findDamage(key, object)
  const curve = curveOf(object)
  if (key.kind !== 'ec' || !key.explicitCurve || !curve) return { object, damage }
  return { object: read(writeWithNamedCurve(key.secret, curve), 'pkcs8', file), damage }
}

function read(key: Buffer, type: PlainKey['format'], file: string): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type })
  } catch {
    // without a cause: OpenSSL's error may quote the key
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
