/** A private key out of PEM, and back as PKCS#8, the one form the service is known to take for RSA and EC alike. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Fault } from './fault.ts'
import { type Block, readPem } from './pem.ts'
import { type Secret, secret } from './secret.ts'

export interface PrivateKey {
  readonly object: KeyObject
  /** PKCS#8 PEM; encrypted with the operator's password where it was encrypted on disk. */
  readonly pem: Secret
  /** The password that opens `pem`, or undefined for a plain key. */
  readonly password: Secret | undefined
}

const FORMATS: Readonly<Record<string, 'pkcs8' | 'pkcs1' | 'sec1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'ENCRYPTED PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
}

export const isPrivate = ({ label }: Pick<Block, 'label'>) => label.endsWith('PRIVATE KEY')

export const isLocked = ({ label, text }: Block) =>
  label.startsWith('ENCRYPTED') || /^Proc-Type: *4, *ENCRYPTED/m.test(text)

/** @throws Fault PAIR_INCOMPLETE, KEY_INVALID, KEY_ENCRYPTED or KEY_PASSWORD_WRONG; none of them quotes the file. */
export function readKey(text: string, file: string, password: Secret | undefined): PrivateKey {
  const { blocks, incomplete } = readPem(text, file)
  if (incomplete)
    throw new Fault('PAIR_INCOMPLETE', `${file}: ${text.trim() ? 'ends before the key does' : 'is empty'}`)
  const [block, ...more] = blocks.filter(isPrivate)
  if (!block) throw new Fault('KEY_INVALID', `${file}: holds no private key`)
  if (more.length)
    throw new Fault('KEY_INVALID', `${file}: holds ${more.length + 1} private keys, one is expected`)
  const format = FORMATS[block.label]
  if (!format)
    throw new Fault('KEY_INVALID', `${file}: a key of the form "${block.label}" is not one for certificates`)

  const opened = isLocked(block) ? unlocked(block, file, password) : plain(block, file, format)
  return { ...opened, pem: pkcs8(opened) }
}

type Opened = Pick<PrivateKey, 'object' | 'password'>

/** From its DER: indented, flattened or double-spaced lines trouble OpenSSL's reader of PEM, not ours. */
function plain(block: Block, file: string, type: 'pkcs8' | 'pkcs1' | 'sec1'): Opened {
  try {
    const object = createPrivateKey({ key: block.der(), format: 'der', type })
    return { object, password: undefined }
  } catch {
    // no cause here and below: what OpenSSL was given must not travel with an error
    throw new Fault('KEY_INVALID', `${file}: the private key cannot be read`)
  }
}

function unlocked({ text }: Block, file: string, password: Secret | undefined): Opened {
  if (!password)
    throw new Fault('KEY_ENCRYPTED', `${file}: the private key is encrypted and no password is configured`)
  try {
    return { object: createPrivateKey({ key: text, passphrase: password.reveal() }), password }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED')
      throw new Fault('KEY_INVALID', `${file}: the private key is encrypted in a way no longer supported`)
    // no finer: one wrong password in 256 decrypts to something, and OpenSSL then misses a key in it
    throw new Fault('KEY_PASSWORD_WRONG', `${file}: the configured password does not open the private key`)
  }
}

const pkcs8 = ({ object, password }: Opened): Secret =>
  secret(
    password
      ? object
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: password.reveal() })
          .toString()
      : object.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
