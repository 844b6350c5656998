/** A private key out of PEM, and back as PKCS#8, the one form the service is known to take for RSA and EC alike. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Fault } from './fault.ts'
import { headedProblem, type KeyFormat, lockProblem, plainProblem } from './keyForm.ts'
import { isSound } from './keySoundness.ts'
import { type Block, readPem } from './pem.ts'
import { type Secret, secret } from './secret.ts'

export interface PrivateKey {
  readonly object: KeyObject
  /** PKCS#8 PEM; encrypted with the operator's password where it was encrypted on disk. */
  readonly pem: Secret
  /** The password that opens `pem`, or undefined for a plain key. */
  readonly password: Secret | undefined
}

const FORMATS: Readonly<Record<string, KeyFormat>> = {
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
  const opened = openKey(block, file, password)
  if (!isSound(opened.object))
    throw new Fault(
      'KEY_INVALID',
      `${file}: the private key is damaged: its two halves do not belong together`,
    )
  return {
    ...opened,
    // few keys are sent: whoever only compares need not write it
    get pem() {
      return pkcs8(opened)
    },
  }
}

export type Opened = Pick<PrivateKey, 'object' | 'password'>

/** One that was opened need not be sound. */
export function openKey(block: Block, file: string, password: Secret | undefined): Opened {
  const { label } = block
  const format = Object.hasOwn(FORMATS, label) ? FORMATS[label] : undefined
  if (!format)
    throw new Fault('KEY_INVALID', `${file}: a key of the form "${label}" is not one for certificates`)
  if (!isLocked(block)) return { object: plain(block, file, format), password: undefined }
  if (!password)
    throw new Fault('KEY_ENCRYPTED', `${file}: the private key is encrypted and no password is configured`)
  return { object: unlocked(block, file, password), password }
}

/** From its DER: indented, flattened or double-spaced lines trouble OpenSSL's reader of PEM, not ours. */
function plain(block: Block, file: string, type: KeyFormat): KeyObject {
  const key = derOf(block, file)
  refuse(plainProblem(key, type), file)
  return attempt(() => createPrivateKey({ key, format: 'der', type }), file)
}

const derOf = (block: Block, file: string) => attempt(block.der, file)

function attempt<T>(read: () => T, file: string): T {
  try {
    return read()
  } catch {
    // no cause here and below: what OpenSSL was given must not travel with an error
    throw new Fault('KEY_INVALID', `${file}: the private key cannot be read`)
  }
}

function refuse(problem: string | undefined, file: string): void {
  if (problem) throw new Fault('KEY_INVALID', `${file}: the private key ${problem}`)
}

/** Encrypted as OpenSSL did it before PKCS#8, by one round of MD5. Only it can look behind the headers. */
function legacy({ label, text }: Block, file: string): string {
  refuse(label === 'PRIVATE KEY' ? 'is PKCS#8 with headers of another form' : headedProblem(text), file)
  return text
}

function unlocked(block: Block, file: string, password: Secret): KeyObject {
  const passphrase = password.reveal()
  try {
    if (!block.label.startsWith('ENCRYPTED'))
      return createPrivateKey({ key: legacy(block, file), passphrase })
    const key = derOf(block, file)
    refuse(lockProblem(key), file)
    return createPrivateKey({ key, format: 'der', type: 'pkcs8', passphrase })
  } catch (error) {
    if (error instanceof Fault) throw error
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
