/** The forms that files come in instead of the expected PEM: how each is told, named and converted. Pure. */
import { isTar, isZip } from './pem.ts'

/** What the file should hold; `either` for `inspect`. */
export type Wanted = 'chain' | 'key' | 'either'

export interface Kind {
  readonly what: string
  /** Converts FILE to PEM, into OUT or on standard output. */
  readonly command?: string
  /** Instead of a command. */
  readonly advice?: string
  /** What it can be converted to, if not both. */
  readonly gives?: Wanted | 'nothing'
}

export const KINDS = {
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
    command:
      'keytool -importkeystore -srckeystore FILE -destkeystore new.p12 -deststoretype PKCS12 && openssl pkcs12 -in new.p12 PART -out OUT',
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
  pvk: {
    what: "is a private key in Microsoft's form (PVK)",
    gives: 'key',
    command: 'openssl rsa -inform PVK -in FILE -out privkey.pem',
  },
  keyBlob: {
    what: "is a private key in Microsoft's form (key BLOB)",
    gives: 'key',
    command: 'openssl rsa -inform MSBLOB -in FILE -out privkey.pem',
  },
  der: {
    what: 'is DER of an unknown form',
    advice: 'See what it is: openssl asn1parse -inform der -in FILE',
  },
  utf32: { what: 'is text in UTF-32', command: 'iconv -f UTF-32 -t UTF-8 FILE > OUT' },
  utf16: { what: 'is text in UTF-16', command: 'iconv -f UTF-16 -t UTF-8 FILE > OUT' },
  utf16le: { what: 'is text in UTF-16', command: 'iconv -f UTF-16LE -t UTF-8 FILE > OUT' },
  utf16be: { what: 'is text in UTF-16', command: 'iconv -f UTF-16BE -t UTF-8 FILE > OUT' },
  gzip: { what: 'is compressed with gzip', command: 'gunzip -c FILE > OUT' },
  bzip2: { what: 'is compressed with bzip2', command: 'bunzip2 -c FILE > OUT' },
  xz: { what: 'is compressed with xz', command: 'xz -dc FILE > OUT' },
  zstd: { what: 'is compressed with zstd', command: 'zstd -dc FILE > OUT' },
  zip: { what: 'is a ZIP archive', advice: 'Unpack it, and name the PEM file in it.' },
  tar: { what: 'is a tar archive', advice: 'Unpack it, and name the PEM file in it.' },
  html: {
    what: 'is a web page',
    advice: 'Fetch the file again: a web page or an error was saved instead.',
  },
  escaped: {
    what: String.raw`has its line breaks written as \n`,
    command: String.raw`sed 's/\\r//g; s/\\n/\n/g; s/-----B/\n&/g' FILE | sed 's/\(-----E[^-]*-----\).*/\1/' > OUT`,
  },
  jwk: {
    what: 'is a JSON Web Key (JWK)',
    gives: 'key',
    advice:
      'Name the key of the certificate, as PEM: a file of this form is often the key of an account with the authority.',
  },
  json: { what: 'is JSON', advice: 'Write the PEM text in it to a file: jq -r .NAME FILE > new.pem' },
  base64Pem: { what: 'is PEM encoded once more in base64', command: 'base64 -d FILE > OUT' },
  base64Value: {
    what: 'has PEM in it that is encoded once more in base64',
    command: "grep -o 'LS0tLS1CRUdJ[A-Za-z0-9+/=]*' FILE | base64 -d > OUT",
  },
  sshPublic: { what: "is a public key in OpenSSH's form", gives: 'nothing' },
  putty: {
    what: "is a private key in PuTTY's form",
    gives: 'key',
    command: 'puttygen FILE -O private-openssh -o privkey.pem',
  },
  pgp: { what: 'is of PGP', advice: 'Decrypt it, or name another file.' },
  encrypted: {
    what: 'is encrypted as a whole file',
    advice: 'Decrypt it first, with the program that encrypted it.',
  },
  zeros: {
    what: 'holds only zeros, as a power cut leaves a file',
    advice: 'Have the ACME client write it again.',
  },
  unmarked: {
    what: 'has marker lines that are not those of PEM',
    advice:
      'Each block begins with a line such as -----BEGIN CERTIFICATE----- and ends with its END line, with five plain hyphens on either side.',
  },
  displaced: {
    what: 'has the first line of its PEM block behind other text',
    advice: 'Write the block so that its first and its last line stand alone on their lines.',
  },
} as const satisfies Readonly<Record<string, Kind>>

export type Name = keyof typeof KINDS

/** What a block with another label holds. */
export const LABELS: ReadonlyArray<readonly [RegExp, Name]> = [
  [/CERTIFICATE REQUEST$/, 'request'],
  [/^X509 CRL$/, 'revocations'],
  [/^(PKCS ?#?7( SIGNED DATA)?|CMS)$/, 'pkcs7'],
  [/^PGP /, 'pgp'],
  [/^AGE ENCRYPTED FILE$/, 'encrypted'],
  [/PUBLIC KEY$/, 'publicKey'],
]

/** What a text of another form begins with, in Latin-1, or has in it. UTF-16 may be without a byte order mark. */
export const TEXTS: ReadonlyArray<readonly [string | RegExp | ((text: string) => boolean), Name]> = [
  [/^(\xff\xfe\0\0|\0\0\xfe\xff)/, 'utf32'],
  [/^(\xff\xfe|\xfe\xff)/, 'utf16'],
  ['\x1f\x8b', 'gzip'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ', 'xz'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  [isZip, 'zip'],
  [isTar, 'tar'],
  ['\x1e\xf1\xb5\xb0', 'pvk'],
  ['\x07\x02\0\0\0\xa4\0\0RSA2', 'keyBlob'],
  [/^\0+$/, 'zeros'],
  [/^(\xfe\xed\xfe\xed|\xce\xce\xce\xce)/, 'keystore'],
  [/^(Salted__|age-encryption\.org|\$ANSIBLE_VAULT;)|ENC\[AES256_GCM,/, 'encrypted'],
  ['---- BEGIN SSH2 PUBLIC', 'sshPublic'],
  ['PuTTY-User-Key-File', 'putty'],
  [/^\s*(ssh|ecdsa|sk)-\S+ AAAA/, 'sshPublic'],
  [/^\s*<(!doctype|!--|html|head|body|\?xml)/i, 'html'],
  [/-----BEGIN [ -~]{1,64}?-----(\\+r)?\\+n/, 'escaped'],
  [/[^\sA-Za-z0-9+/][ \t]*LS0tLS1CRUdJ[A-Za-z0-9+/]{60}/, 'base64Value'],
  [/^\s*\{[\s\S]*"kty"/, 'jwk'],
  [/^\s*[{[]/, 'json'],
  [/^[^\0]\0[^\0]\0/, 'utf16le'],
  [/^\0[^\0]\0[^\0]/, 'utf16be'],
]
