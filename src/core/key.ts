/** A private key out of PEM, and back as PKCS#8, the one form the service is known to take for RSA and EC alike. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Fault } from './fault.ts'
import { readPem } from './pem.ts'
import { type Secret, secret } from './secret.ts'

export interface PrivateKey {
  readonly object: KeyObject
  /** PKCS#8 PEM; encrypted with the operator's password where it was encrypted on disk. */
  readonly pem: Secret
  /** The password that opens `pem`, or undefined for a plain key. */
  readonly password: Secret | undefined
}

const LABEL = /PRIVATE KEY$/
const FORMATS = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])

export const isPrivate = (block: { readonly label: string }) => LABEL.test(block.label)

/** @throws Fault PAIR_INCOMPLETE, KEY_INVALID, KEY_ENCRYPTED or KEY_PASSWORD_WRONG; none of them quotes the file. */
export function readKey(text: string, file: string, password: Secret | undefined): PrivateKey {
  const { blocks, incomplete } = readPem(text, file)
  if (incomplete) throw new Fault('PAIR_INCOMPLETE', `${file}: ends before the key does`)
  const [block, ...more] = blocks.filter(isPrivate)
  if (!block) throw new Fault('KEY_INVALID', `${file}: holds no private key`)
  if (more.length)
    throw new Fault('KEY_INVALID', `${file}: holds ${more.length + 1} private keys, one is expected`)
  if (!FORMATS.has(block.label))
    throw new Fault('KEY_INVALID', `${file}: a key of the form "${block.label}" is not one for certificates`)

  const locked = block.label.startsWith('ENCRYPTED') || /^Proc-Type: *4, *ENCRYPTED/m.test(block.text)
  if (locked && !password)
    throw new Fault('KEY_ENCRYPTED', `${file}: the private key is encrypted and no password is configured`)
  const opened = locked ? password : undefined
  const object = open(block.text, file, opened)
  return { object, pem: pkcs8(object, opened), password: opened }
}

function open(pem: string, file: string, password: Secret | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(password && { passphrase: password.reveal() }) })
  } catch {
    // no cause: what OpenSSL was given must not travel with an error
    if (password)
      throw new Fault('KEY_PASSWORD_WRONG', `${file}: the configured password does not open the private key`)
    throw new Fault('KEY_INVALID', `${file}: the private key cannot be read`)
  }
}

const pkcs8 = (key: KeyObject, password: Secret | undefined): Secret =>
  secret(
    password
      ? key
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password.reveal() })
          .toString()
      : key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
