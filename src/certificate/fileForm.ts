/** Names the form of a file that is not the expected PEM, and the command that converts it. Pure. */
import { quoteShell } from '../terminal/text.ts'
import { type DerForm, formOfDer } from './derForm.ts'
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
  /** Converts it to PEM, on standard output unless it names its output; absent where no command can. */
  readonly command?: (file: string, wanted: Wanted) => string
  /** Instead of a command. */
  readonly advice?: string
  /** What it can be converted to, if not both. */
  readonly gives?: Wanted | 'neither'
}

const OUT: Readonly<Record<Wanted, string>> = {
  chain: 'fullchain.pem',
  key: 'privkey.pem',
  either: 'new.pem',
}

const WANTED: Readonly<Record<Wanted, string>> = {
  chain: 'the server certificate with its issuers, as PEM',
  key: 'the private key, as PEM',
  either: 'a certificate or a private key, as PEM',
}

const into = (command: (file: string) => string) => (file: string, wanted: Wanted) =>
  `${command(file)} > ${OUT[wanted]}`

const KINDS = {
  derCertificate: {
    what: 'is a certificate in DER',
    gives: 'chain',
    command: (file, wanted) => `openssl x509 -inform der -in ${file} -out ${OUT[wanted]}`,
  },
  derKey: {
    what: 'is a private key in DER',
    gives: 'key',
    command: file => `openssl pkey -inform der -in ${file} -out privkey.pem`,
  },
  derPkcs7: {
    what: 'is a PKCS#7 container (.p7b) in DER',
    gives: 'chain',
    command: file => `openssl pkcs7 -inform der -print_certs -in ${file} -out fullchain.pem`,
  },
  pkcs7: {
    what: 'is a PKCS#7 container (.p7b)',
    gives: 'chain',
    command: file => `openssl pkcs7 -print_certs -in ${file} -out fullchain.pem`,
  },
  pkcs12: {
    what: 'is a PKCS#12 container (.p12, .pfx)',
    command: (file, wanted) =>
      wanted === 'key'
        ? `openssl pkcs12 -in ${file} -nocerts -nodes -out privkey.pem`
        : `openssl pkcs12 -in ${file} -nokeys -out fullchain.pem`,
  },
  keystore: {
    what: 'is a Java keystore',
    command: file =>
      `keytool -importkeystore -srckeystore ${file} -destkeystore new.p12 -deststoretype PKCS12`,
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
  publicKey: { what: 'is a public key', gives: 'neither' },
  der: {
    what: 'is DER of an unknown form',
    advice: 'See what it is: openssl asn1parse -inform der -in FILE',
  },
  utf16: { what: 'is text in UTF-16', command: into(file => `iconv -f UTF-16 -t UTF-8 ${file}`) },
  utf16le: { what: 'is text in UTF-16', command: into(file => `iconv -f UTF-16LE -t UTF-8 ${file}`) },
  utf16be: { what: 'is text in UTF-16', command: into(file => `iconv -f UTF-16BE -t UTF-8 ${file}`) },
  gzip: { what: 'is compressed with gzip', command: into(file => `gunzip -c ${file}`) },
  bzip2: { what: 'is compressed with bzip2', command: into(file => `bunzip2 -c ${file}`) },
  xz: { what: 'is compressed with xz', command: into(file => `xz -dc ${file}`) },
  zstd: { what: 'is compressed with zstd', command: into(file => `zstd -dc ${file}`) },
  zip: { what: 'is a ZIP archive', advice: 'Unpack it, and name the PEM file in it.' },
  html: {
    what: 'is a web page',
    advice: 'Fetch the file again: what came in its place is a page or an error.',
  },
  escaped: {
    what: String.raw`has its line breaks written as \n`,
    command: into(
      file =>
        String.raw`sed 's/\\r//g; s/\\n/\n/g; s/-----B/\n&/g' ${file} | sed 's/\(-----E[^-]*-----\).*/\1/'`,
    ),
  },
  json: { what: 'is JSON', advice: 'Write the PEM text in it to a file: jq -r .NAME FILE > new.pem' },
  base64Pem: { what: 'is PEM encoded once more in base64', command: into(file => `base64 -d ${file}`) },
  sshPublic: { what: "is a public key in OpenSSH's form", gives: 'neither' },
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
} as const satisfies Readonly<Record<string, Kind>> & Readonly<Record<DerForm, Kind>>

type Name = keyof typeof KINDS

/** The form of a file that does not hold what is wanted. */
export function formOf(
  { path, text }: { readonly path: string; readonly text: string },
  blocks: readonly Pick<Block, 'label'>[],
  wanted: Wanted,
): Form {
  const labelled = blocks.length ? ofLabels(blocks) : undefined
  if (labelled && typeof labelled !== 'string') return labelled
  const { name, inBase64 = false } = labelled ? { name: labelled } : ofText(text)
  if (!name) return { says: LACKS[wanted], advice: NAME[wanted], unknown: true }
  const { what, command, advice, gives = wanted }: Kind = KINDS[name]
  const file = quoteShell(path)
  const convert = inBase64
    ? command && `base64 -d ${file} | ${command('/dev/stdin', wanted)}`
    : command?.(file, wanted)
  const helps = wanted === 'either' ? gives !== 'neither' : gives === wanted
  return {
    says: `${what}${inBase64 ? ', in base64 without the marker lines of PEM' : ''}; wanted is ${WANTED[wanted]}`,
    advice: helps
      ? convert
        ? `Convert it: ${convert}`
        : (advice ?? NAME[wanted]).replace('FILE', file)
      : NAME[wanted],
  }
}

const LACKS: Readonly<Record<Wanted, string>> = {
  chain: 'holds no certificate',
  key: 'holds no private key',
  either: 'holds neither a certificate nor a private key',
}

const NAME: Readonly<Record<Wanted, string>> = {
  chain: 'Name the file with the server certificate and its issuers.',
  key: 'Name the file with the private key.',
  either: 'Name the file with the certificates, or with the private key.',
}

const LABELS: ReadonlyArray<readonly [RegExp, Name]> = [
  [/CERTIFICATE REQUEST$/, 'request'],
  [/^X509 CRL$/, 'revocations'],
  [/^(PKCS ?#?7( SIGNED DATA)?|CMS)$/, 'pkcs7'],
  [/^PGP /, 'pgp'],
  [/PUBLIC KEY$/, 'publicKey'],
]

const EXCHANGE = 'If chain and key are swapped, exchange the two paths.'

/** The form of PEM that does not hold what is wanted. */
function ofLabels(blocks: readonly Pick<Block, 'label'>[]): Form | Name {
  if (blocks.some(isPrivate))
    return {
      says: 'holds a private key and no certificate',
      advice: `Name the file with the certificates. ${EXCHANGE}`,
    }
  if (blocks.some(isCertificate))
    return {
      says: 'holds a certificate and no private key',
      advice: `Name the file with the private key. ${EXCHANGE}`,
    }
  for (const [label, name] of LABELS) if (blocks.some(block => label.test(block.label))) return name
  return {
    says: `holds a block of the form "${blocks[0]?.label}", neither a certificate nor a private key`,
    advice: NAME.either,
  }
}

/** What a file begins with, in Latin-1. */
const MAGIC: ReadonlyArray<readonly [string, Name]> = [
  ['\xff\xfe', 'utf16'],
  ['\xfe\xff', 'utf16'],
  ['\x1f\x8b', 'gzip'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ', 'xz'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['PK\x03\x04', 'zip'],
  ['\xfe\xed\xfe\xed', 'keystore'],
  ['\xce\xce\xce\xce', 'keystore'],
  ['Salted__', 'encrypted'],
  ['age-encryption.org', 'encrypted'],
  ['---- BEGIN SSH2 PUBLIC', 'sshPublic'],
  ['PuTTY-User-Key-File', 'putty'],
]

const TEXTS: ReadonlyArray<readonly [RegExp, Name]> = [
  [/^\s*(ssh-(rsa|dss|ed25519)|ecdsa-sha2-\S+) AAAA/, 'sshPublic'],
  [/^\s*<(!doctype|html|head|body|\?xml)/i, 'html'],
  [/-----BEGIN [ -~]{1,64}?-----(\\+r)?\\+n/, 'escaped'],
  [/^\s*[{[]/, 'json'],
]

/** UTF-16 without a byte order mark: every second byte of what begins with ASCII is zero. */
function wide(text: string): Name | undefined {
  const zeros = [...text.slice(0, 4)].map(character => Number(character === '\0')).join('')
  return zeros === '0101' ? 'utf16le' : zeros === '1010' ? 'utf16be' : undefined
}

interface Found {
  readonly name?: Name
  readonly inBase64?: boolean
}

function ofText(text: string): Found {
  const bytes = Buffer.from(text, 'latin1')
  const ofBytes = formOfDer(bytes)
  if (ofBytes) return { name: ofBytes }
  const known = MAGIC.find(([start]) => text.startsWith(start)) ?? TEXTS.find(([form]) => form.test(text))
  if (known) return { name: known[1] }
  const ofZeros = wide(text)
  if (ofZeros) return { name: ofZeros }
  const bare = text.replace(/\s+/g, '')
  if (bare.length >= 64 && /^[A-Za-z0-9+/]+={0,2}$/.test(bare)) {
    const inner = Buffer.from(bare, 'base64')
    if (inner.subarray(0, 64).includes('-----BEGIN ')) return { name: 'base64Pem' }
    const name = formOfDer(inner)
    if (name) return { name, inBase64: true }
  }
  return /[^\s-][ \t]*-----BEGIN [ -~]{1,64}?-----/.test(text) ? { name: 'displaced' } : {}
}
