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
import { type Block, isCertificate, isPrivate } from './pem.ts'

/** What the file should hold; `either` for `inspect`. */
export type Wanted = 'chain' | 'key' | 'either'

interface Form {
  /** Completes "it …". */
  readonly says: string
  readonly advice: string
  /** The form is unknown: the file may be the beginning of what is wanted. */
  readonly unknown?: true
}

interface Kind {
  readonly what: string
  /** Converts FILE to PEM, into OUT or on standard output. */
  readonly command?: string
  /** Instead of a command. */
  readonly advice?: string
  /** What it can be converted to, if not both. */
  readonly gives?: Wanted | 'nothing'
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

const nameFile = (wanted: Wanted) => `Name the file with ${WANTED[wanted].file}.`

const KINDS = {
  derCertificate: {
    what: 'is a certificate in DER',
    gives: 'chain',
    command: 'openssl x509 -inform der -in FILE -out OUT',
  },
  derKey: {
    what: 'is a private key in DER',
    gives: 'key',
    command: 'openssl pkey -inform der -in FILE -out privkey.pem',
  },
  derPkcs7: {
    what: 'is a PKCS#7 container (.p7b) in DER',
    gives: 'chain',
    command: 'openssl pkcs7 -inform der -print_certs -in FILE -out fullchain.pem',
  },
  pkcs7: {
    what: 'is a PKCS#7 container (.p7b)',
    gives: 'chain',
    command: 'openssl pkcs7 -print_certs -in FILE -out fullchain.pem',
  },
  pkcs12: { what: 'is a PKCS#12 container (.p12, .pfx)', command: 'openssl pkcs12 -in FILE PART -out OUT' },
  keystore: {
    what: 'is a Java keystore',
    command: 'keytool -importkeystore -srckeystore FILE -destkeystore new.p12 -deststoretype PKCS12',
  },
  request: {
    what: 'is a certificate request (CSR)',
    gives: 'chain',
    advice: 'Name the file with the certificate that the authority issued for it.',
  },
  revocations: {
    what: 'is a revocation list (CRL)',
    gives: 'chain',
    advice: 'Name the file with the certificate itself.',
  },
  publicKey: { what: 'is a public key', gives: 'nothing' },
  der: {
    what: 'is DER of an unknown form',
    advice: 'See what it is: openssl asn1parse -inform der -in FILE',
  },
  utf16: { what: 'is text in UTF-16', command: 'iconv -f UTF-16 -t UTF-8 FILE > OUT' },
  utf16le: { what: 'is text in UTF-16', command: 'iconv -f UTF-16LE -t UTF-8 FILE > OUT' },
  utf16be: { what: 'is text in UTF-16', command: 'iconv -f UTF-16BE -t UTF-8 FILE > OUT' },
  gzip: { what: 'is compressed with gzip', command: 'gunzip -c FILE > OUT' },
  bzip2: { what: 'is compressed with bzip2', command: 'bunzip2 -c FILE > OUT' },
  xz: { what: 'is compressed with xz', command: 'xz -dc FILE > OUT' },
  zstd: { what: 'is compressed with zstd', command: 'zstd -dc FILE > OUT' },
  zip: { what: 'is a ZIP archive', advice: 'Unpack it, and name the PEM file in it.' },
  html: {
    what: 'is a web page',
    advice: 'Fetch the file again: what came in its place is a page or an error.',
  },
  escaped: {
    what: String.raw`has its line breaks written as \n`,
    command: String.raw`sed 's/\\r//g; s/\\n/\n/g; s/-----B/\n&/g' FILE | sed 's/\(-----E[^-]*-----\).*/\1/' > OUT`,
  },
  json: { what: 'is JSON', advice: 'Write the PEM text in it to a file: jq -r .NAME FILE > new.pem' },
  base64Pem: { what: 'is PEM encoded once more in base64', command: 'base64 -d FILE > OUT' },
  sshPublic: { what: "is a public key in OpenSSH's form", gives: 'nothing' },
  putty: { what: "is a private key in PuTTY's form", advice: 'Export it as PEM with puttygen.' },
  pgp: { what: 'is of PGP', advice: 'Decrypt it, or name another file.' },
  encrypted: {
    what: 'is encrypted as a whole file',
    advice: 'Decrypt it first, with the program that encrypted it.',
  },
  displaced: {
    what: 'has the first line of its PEM block behind other text',
    advice: 'Write the block so that its first and its last line stand alone on their lines.',
  },
} as const satisfies Readonly<Record<string, Kind>>

type Name = keyof typeof KINDS

interface TextFile {
  readonly path: string
  readonly text: string
}

type Labels = readonly Pick<Block, 'label'>[]

/** The form of a file that does not hold what is wanted. */
export function formOf(file: TextFile, blocks: Labels, wanted: Wanted): Form {
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
      .replace('PART', wanted === 'key' ? '-nocerts -nodes' : '-nokeys')
      .replace('OUT', WANTED[wanted].out)
      // a path may hold "$&"
      .replace('FILE', () => input)
  const convert = inBase64
    ? command && `base64 -d ${file} | ${fill(command, '/dev/stdin')}`
    : command && fill(command, file)
  const helps = wanted === 'either' ? gives !== 'nothing' : gives === wanted
  return {
    says: `${what}${inBase64 ? ', in base64 without the marker lines of PEM' : ''}; wanted is ${WANTED[wanted].is}`,
    advice:
      helps && convert ? `Convert it: ${convert}` : helps && advice ? fill(advice, file) : nameFile(wanted),
  }
}

const LABELS: ReadonlyArray<readonly [RegExp, Name]> = [
  [/CERTIFICATE REQUEST$/, 'request'],
  [/^X509 CRL$/, 'revocations'],
  [/^(PKCS ?#?7( SIGNED DATA)?|CMS)$/, 'pkcs7'],
  [/^PGP /, 'pgp'],
  [/PUBLIC KEY$/, 'publicKey'],
]

/** The form of PEM that does not hold what is wanted. */
function formOfBlocks(path: string, blocks: Labels, wanted: Wanted): Form {
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
  return {
    says: `holds a block of the form "${blocks[0]?.label}", neither a certificate nor a private key`,
    advice: nameFile('either'),
  }
}

/** What a text of another form begins with, in Latin-1, or has in it. UTF-16 may be without a byte order mark. */
const TEXTS: ReadonlyArray<readonly [string | RegExp, Name]> = [
  [/^(\xff\xfe|\xfe\xff)/, 'utf16'],
  ['\x1f\x8b', 'gzip'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ', 'xz'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['PK\x03\x04', 'zip'],
  [/^(\xfe\xed\xfe\xed|\xce\xce\xce\xce)/, 'keystore'],
  [/^(Salted__|age-encryption\.org)/, 'encrypted'],
  ['---- BEGIN SSH2 PUBLIC', 'sshPublic'],
  ['PuTTY-User-Key-File', 'putty'],
  [/^\s*(ssh-(rsa|dss|ed25519)|ecdsa-sha2-\S+) AAAA/, 'sshPublic'],
  [/^\s*<(!doctype|html|head|body|\?xml)/i, 'html'],
  [/-----BEGIN [ -~]{1,64}?-----(\\+r)?\\+n/, 'escaped'],
  [/^\s*[{[]/, 'json'],
  [/^[^\0]\0[^\0]\0/, 'utf16le'],
  [/^\0[^\0]\0[^\0]/, 'utf16be'],
]

function nameOfText(text: string): { readonly name?: Name | undefined; readonly inBase64?: boolean } {
  const isOf = (form: string | RegExp) => (typeof form === 'string' ? text.startsWith(form) : form.test(text))
  const name = nameOfDer(Buffer.from(text, 'latin1')) ?? TEXTS.find(([form]) => isOf(form))?.[1]
  if (name) return { name }
  const bare = text.replace(/\s+/g, '')
  if (bare.length >= 64 && /^[A-Za-z0-9+/]+={0,2}$/.test(bare)) {
    const inner = Buffer.from(bare, 'base64')
    if (inner.subarray(0, 64).includes('-----BEGIN ')) return { name: 'base64Pem' }
    const inBase64 = nameOfDer(inner)
    if (inBase64) return { name: inBase64, inBase64: true }
  }
  return /[^\s-][ \t]*-----BEGIN [ -~]{1,64}?-----/.test(text) ? { name: 'displaced' } : {}
}

/** Of which .1 is what a PKCS#12 container begins with, and .2 is what PKCS#7 signs. */
const PKCS7 = '1.2.840.113549.1.7.'

/** What DER holds, by the order of its elements. */
export function nameOfDer(bytes: Buffer): Name | undefined {
  const start = bytes.toString('hex', 0, 40)
  // of open length (BER), as some programs write containers
  if (start.startsWith('308006092a864886f70d010702')) return 'derPkcs7'
  if (start.startsWith('3080020103')) return 'pkcs12'
  const members = membersOf(bytes)
  const [first, second, third] = members
  if (!first) return undefined
  const identifier = identifierOf(first)
  if (identifier) return identifier.startsWith(PKCS7) ? 'derPkcs7' : 'der'
  if (isInteger(first)) {
    if (identifierOf(elementsOf(second)[0])?.startsWith(PKCS7)) return 'pkcs12'
    if (members.length === 2 && isInteger(second)) return 'publicKey'
    return second ? 'derKey' : 'der'
  }
  if (!isSequence(first)) return 'der'
  if (members.length === 2 && octetsOf(second)) return 'derKey'
  if (members.length === 2 && isBits(second)) return 'publicKey'
  return isBits(third) ? nameOfSigned(bytes, elementsOf(first)) : 'der'
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
