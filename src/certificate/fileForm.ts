/** Names the form of a file that is not the expected PEM, and the command that converts it. Pure. */
import { X509Certificate } from 'node:crypto'
import { quoteShell } from '../terminal/text.ts'
import {
  type Element,
  elementsOf,
  identifierOf,
  isBits,
  isInteger,
  isSequence,
  isTagged,
  isTime,
  membersOf,
  octetsOf,
} from './asn1.ts'
import { KINDS, type Kind, LABELS, type Name, TEXTS, type Wanted } from './fileKinds.ts'
import { type Block, isCertificate, isPrivate } from './pem.ts'

interface Form {
  /** Completes "it …". */
  readonly says: string
  readonly advice: string
  /** The form is unknown: the file may be the beginning of what is wanted. */
  readonly unknown?: true
}

const WANTED: Readonly<Record<Wanted, { readonly is: string; readonly file: string; readonly out: string }>> =
  {
    chain: {
      is: 'the server certificate with its issuers, as PEM',
      file: 'the server certificate and its issuers',
      out: 'fullchain.pem',
    },
    key: { is: 'the private key, as PEM', file: 'the private key', out: 'privkey.pem' },
    either: {
      is: 'a certificate or a private key, as PEM',
      file: 'the certificates, or with the private key',
      out: 'new.pem',
    },
  }

/** Of a PKCS#12 container; one file may hold chain and key. */
const PARTS: Readonly<Record<Wanted, string>> = {
  chain: '-nokeys',
  key: '-nocerts -nodes',
  either: '-nodes',
}

const nameFile = (wanted: Wanted) => `Name the file with ${WANTED[wanted].file}.`

interface TextFile {
  readonly path: string
  readonly text: string
}

/** The form of a file that does not hold what is wanted. */
export function formOf(file: TextFile, blocks: readonly Block[], wanted: Wanted): Form {
  if (blocks.length) return formOfBlocks(file.path, blocks, wanted)
  const { name, inBase64 = false } = nameOfText(file.text)
  if (name) return formNamed(name, file.path, { wanted, inBase64 })
  const lacks = {
    chain: 'no certificate',
    key: 'no private key',
    either: 'neither a certificate nor a private key',
  }
  return { says: `holds ${lacks[wanted]}`, advice: nameFile(wanted), unknown: true }
}

function formNamed(
  name: Name,
  path: string,
  { wanted, inBase64 = false }: { readonly wanted: Wanted; readonly inBase64?: boolean },
): Form {
  const { what, command, advice, gives = wanted }: Kind = KINDS[name]
  const file = quoteShell(path)
  const fill = (text: string, input: string) =>
    text
      .replace('PART', PARTS[wanted])
      .replace('OUT', WANTED[wanted].out)
      // a path may hold "$&"
      .replace('FILE', () => input)
  const convert = inBase64
    ? command && `base64 -d ${file} | ${fill(command, '/dev/stdin')}`
    : command && fill(command, file)
  const helps = wanted === 'either' ? gives !== 'nothing' : gives === wanted
  return {
    says: `${what}${inBase64 ? ', in base64 without the marker lines of PEM' : ''}; expected: ${WANTED[wanted].is}`,
    advice:
      helps && convert ? `Convert it: ${convert}` : helps && advice ? fill(advice, file) : nameFile(wanted),
    ...(name === 'unmarked' && { unknown: true as const }),
  }
}

/** The form of PEM that does not hold what is wanted. */
function formOfBlocks(path: string, blocks: readonly Block[], wanted: Wanted): Form {
  const exchange = 'If chain and key are swapped, exchange the two paths.'
  if (blocks.some(isPrivate))
    return {
      says: 'holds a private key and no certificate',
      advice: `Name the file with the certificates. ${exchange}`,
    }
  if (blocks.some(isCertificate))
    return {
      says: 'holds a certificate and no private key',
      advice: `Name the file with the private key. ${exchange}`,
    }
  const known = LABELS.find(([label]) => blocks.some(block => label.test(block.label)))
  if (known) return formNamed(known[1], path, { wanted })
  const labels = blocks.map(({ label }) => label)
  const mislabelled = blocks.map(contentOf).findIndex(name => name === 'derCertificate' || name === 'derKey')
  if (mislabelled >= 0) {
    const isKey = contentOf(blocks[mislabelled]) === 'derKey'
    return {
      says: `holds a ${isKey ? 'private key' : 'certificate'} under the label "${labels[mislabelled]}", which servers do not read`,
      advice: `Write ${isKey ? 'PRIVATE KEY' : 'CERTIFICATE'} in its place, in the BEGIN and the END line.`,
    }
  }
  return {
    says: `holds a block of the form "${labels[0]}", neither a certificate nor a private key`,
    advice: nameFile('either'),
  }
}

function contentOf(block: Block | undefined): Name | undefined {
  try {
    return block && nameOfDer(block.der())
  } catch {
    return undefined
  }
}

/** A block whose label says something else than its content, as "a CERTIFICATE block …"; undefined where it does not. */
export function mislabelled(block: Block, wanted: Wanted): Form | undefined {
  const name = contentOf(block)
  if (!name || name === 'der' || name === (wanted === 'key' ? 'derKey' : 'derCertificate')) return undefined
  const { what, advice }: Kind = KINDS[name]
  return {
    says: `a ${block.label} block ${what.replace(/ in DER$/, '')}`,
    advice: advice ?? nameFile(wanted),
  }
}

function nameOfText(text: string): { readonly name?: Name | undefined; readonly inBase64?: boolean } {
  const isOf = (form: (typeof TEXTS)[number][0]) =>
    typeof form === 'string' ? text.startsWith(form) : form instanceof RegExp ? form.test(text) : form(text)
  const name = nameOfDer(Buffer.from(text, 'latin1')) ?? TEXTS.find(([form]) => isOf(form))?.[1]
  if (name) return { name }
  const bare = text.replace(/\s+/g, '')
  if (bare.length >= 64 && /^[A-Za-z0-9+/]+={0,2}$/.test(bare)) {
    const inner = Buffer.from(bare, 'base64')
    if (inner.subarray(0, 64).includes('-----BEGIN ')) return { name: 'base64Pem' }
    const inBase64 =
      nameOfDer(inner) ?? (inner.toString('latin1', 0, 8) === 'Salted__' ? 'encrypted' : undefined)
    if (inBase64) return { name: inBase64, inBase64: true }
  }
  if (/[^\s-][ \t]*-----BEGIN [ -~]{1,64}?-----/.test(text)) return { name: 'displaced' }
  return /^\W{0,9}(BEGIN|END) [ \w]{0,40}(CERTIFICATE|PRIVATE KEY)/im.test(text) ? { name: 'unmarked' } : {}
}

/** Of which .1 is what a PKCS#12 container begins with, and .2 is what PKCS#7 signs. */
const PKCS7 = '1.2.840.113549.1.7.'

/** What DER holds, by the order of its elements. */
export function nameOfDer(bytes: Buffer): Name | undefined {
  const start = bytes.toString('hex', 0, 40)
  // of open length (BER), as some programs write containers
  if (start.startsWith('308006092a864886f70d010702')) return 'derPkcs7'
  if (start.startsWith('3080020103')) return 'pkcs12'
  const members = membersOf(firstOf(bytes))
  const [first, second, third] = members
  if (!first) return undefined
  const identifier = identifierOf(first)
  if (identifier) return identifier.startsWith(PKCS7) ? 'derPkcs7' : 'der'
  if (isInteger(first)) {
    if (identifierOf(elementsOf(second)[0])?.startsWith(PKCS7)) return 'pkcs12'
    if (members.length === 2 && isInteger(second)) return 'publicKey'
    return octetsOf(second) || octetsOf(third) || members.length >= 6 ? 'derKey' : 'der'
  }
  if (!isSequence(first)) return 'der'
  if (members.length === 2 && octetsOf(second)) return 'derKey'
  if (members.length === 2 && isBits(second)) return 'publicKey'
  return isBits(third) ? nameOfSigned(bytes, elementsOf(first)) : 'der'
}

/** The first element without what follows it: other certificates, or a newline. OpenSSL reads the first one. */
function firstOf(bytes: Buffer): Buffer {
  const [tag, length = 0] = bytes
  const more = length > 0x80 && length <= 0x83 ? length - 0x80 : 0
  if (tag !== 0x30 || length > 0x83 || bytes.length < 2 + more) return bytes
  return bytes.subarray(0, 2 + more + (more ? bytes.readUIntBE(2, more) : length))
}

/** What an authority or an applicant signs: a certificate, a request or a revocation list. */
function nameOfSigned(bytes: Buffer, parts: readonly Element[]): Name {
  if (isTagged(parts[0], 0)) return 'derCertificate'
  if (parts.some(isTime)) return 'revocations'
  if (parts.length <= 4 && isInteger(parts[0])) return 'request'
  return isReadable(bytes) ? 'derCertificate' : 'der'
}

/** A certificate of version 1 does not state its version. */
function isReadable(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0
  } catch {
    return false
  }
}
