/** A certificate's place on disk under the name its ACME client gave it. Pure. */
import { KINDS, type SourceKind } from '../config/values.ts'
import type { Fault, FaultCode } from '../errors.ts'
import { quoteShell } from '../terminal/text.ts'

/** ACME clients. */
export const FOLDER_KINDS = KINDS.filter(kind => kind !== 'pem')

export type FolderKind = (typeof FOLDER_KINDS)[number]

/** Those that have a folder with files for each certificate, and not one file for all. */
export type TreeKind = Exclude<FolderKind, 'traefik'>

/** How a client's folder names lineages, which file is the chain and which the key. A new client is a new row. */
interface Layout {
  /** The folder under the source's path in which certificates are listed. */
  readonly folder: string
  /** How many folders below that one a certificate's files lie. */
  readonly depth: 0 | 1 | 2
  /** The lineage that something in the folder belongs to, by its path from there; undefined for what is none's. */
  readonly nameOf: (entry: string) => string | undefined
  /** From the source's path. */
  readonly chain: (name: string) => string
  readonly key: (name: string) => string
  /** A lineage is there once one of these is, whole or not. */
  readonly markers: (name: string) => readonly string[]
  /** Where this is there and no key is, none will come: the client was given a request (CSR) and never had its key. */
  readonly keyless?: (name: string) => string
}

const domainOf = (name: string) => name.replace(/_ecc$/, '')

const isHidden = (name: string) => name.startsWith('.')

/** A domain has a dot, an IPv6 address a colon; the folders that clients make beside have neither. */
const isIdentifier = (name: string) => !isHidden(name) && /[.:]/.test(name)

export const LAYOUTS: Readonly<Record<TreeKind, Layout>> = {
  certbot: {
    folder: 'live',
    depth: 1,
    nameOf: entry => (isHidden(entry) ? undefined : entry),
    chain: name => `live/${name}/fullchain.pem`,
    key: name => `live/${name}/privkey.pem`,
    markers: name => [`live/${name}/fullchain.pem`, `live/${name}/privkey.pem`],
  },
  'acme.sh': {
    folder: '',
    depth: 1,
    // acme.sh's own rule for its folders: ca, deploy, dnsapi are none
    nameOf: entry => (isIdentifier(entry) ? entry : undefined),
    chain: name => `${name}/fullchain.cer`,
    key: name => `${name}/${domainOf(name)}.key`,
    // the key alone is no sign: it is written before the order, and stays behind when a first issuance fails
    markers: name => [`${name}/fullchain.cer`, `${name}/${domainOf(name)}.cer`],
    // acme.sh's own test for "Signing from existing CSR": a key of its own is made before the request
    keyless: name => `${name}/${domainOf(name)}.csr`,
  },
  lego: {
    folder: 'certificates',
    depth: 0,
    // `*` is `_` in its file names; what it archives lies in another folder, `archives`
    nameOf: entry => /^([^.].*?)(?:\.issuer\.crt|\.crt|\.key|\.json|\.pem|\.pfx)$/.exec(entry)?.[1],
    chain: name => `certificates/${name}.crt`,
    key: name => `certificates/${name}.key`,
    markers: name => [`certificates/${name}.crt`],
    // the last file that it writes
    keyless: name => `certificates/${name}.json`,
  },
  dehydrated: {
    // its CERTDIR, which may have any name
    folder: '',
    depth: 1,
    nameOf: entry => (isHidden(entry) ? undefined : entry),
    // both are links; what is unfinished, and what is kept of earlier ones, has a time in its name
    chain: name => `${name}/fullchain.pem`,
    key: name => `${name}/privkey.pem`,
    markers: name => [`${name}/fullchain.pem`],
  },
  uacme: {
    folder: '',
    depth: 1,
    // its keys are in `private`, which is not watched: a key is written before its certificate, and then kept
    nameOf: entry => (isIdentifier(entry) ? entry : undefined),
    chain: name => `${name}/cert.pem`,
    key: name => `private/${name}/key.pem`,
    markers: name => [`${name}/cert.pem`],
  },
  caddy: {
    folder: 'certificates',
    depth: 2,
    nameOf: entry => {
      const [issuer = '', name = ''] = entry.split('/')
      // Caddy's own authority, whose certificates last for hours and are trusted by nobody else
      return !name || isHidden(issuer) || isHidden(name) || issuer === 'local'
        ? undefined
        : `${name}@${issuer}`
    },
    chain: name => `${caddyFiles(name)}.crt`,
    key: name => `${caddyFiles(name)}.key`,
    markers: name => [`${caddyFiles(name)}.crt`],
  },
}

/** `example.com@issuer`: two issuers may each have one of the same name. No domain has an `@`. */
function caddyFiles(name: string): string {
  const at = name.indexOf('@')
  const domain = at < 0 ? name : name.slice(0, at)
  return `certificates/${at < 0 ? '' : name.slice(at + 1)}/${domain}/${domain}`
}

/** Where a client keeps its certificates when nobody tells it otherwise: its own default, or Debian's. */
export const DEFAULT_DIRECTORY: Readonly<Record<FolderKind, (home: string) => string>> = {
  certbot: () => '/etc/letsencrypt',
  'acme.sh': home => `${home.replace(/\/$/, '')}/.acme.sh`,
  lego: home => `${home.replace(/\/$/, '')}/.lego`,
  dehydrated: () => '/var/lib/dehydrated/certs',
  uacme: () => '/etc/ssl/uacme',
  caddy: () => '/var/lib/caddy/.local/share/caddy',
  traefik: () => '/etc/traefik/acme.json',
}

export const lineageId = (kind: SourceKind, name: string) => `${kind}:${name}`

/** For these a new certificate is what helps. */
const RENEWABLE: ReadonlySet<FaultCode> = new Set([
  'EXPIRED',
  'CERTIFICATE_INVALID',
  'KEY_INVALID',
  'WRONG_KEY',
  'MULTIPLE_LEAVES',
  'REJECTED_BEFORE',
])

/** Of what the service rejects, what another certificate of the same client would not have; a setting it would. */
const IN_THE_FILES: ReadonlySet<string> = new Set([
  'FailedOperation.CertificateChainError',
  'FailedOperation.CertificateInvalid',
  'FailedOperation.CertificateMatchError',
  'FailedOperation.CertificateMismatch',
  'InvalidParameter.MissMatchPrivateKey',
])

/** What the certificate's own client is told, to renew it now; undefined where renewing is not the remedy, or not ours to say. */
export function renewCommand(
  { kind, name }: { readonly kind: SourceKind; readonly name: string },
  { code, apiCode }: Pick<Fault, 'code' | 'apiCode'>,
): string | undefined {
  if (!RENEWABLE.has(code)) return undefined
  if (code === 'REJECTED_BEFORE' && !IN_THE_FILES.has(apiCode ?? '')) return undefined
  const forced = code === 'EXPIRED' ? '' : kind === 'certbot' ? ' --force-renewal' : ' --force'
  if (kind === 'certbot') return `sudo certbot renew --cert-name ${quoteShell(name)}${forced}`
  if (kind !== 'acme.sh') return undefined
  const ecc = name.endsWith('_ecc') ? ' --ecc' : ''
  return `acme.sh --renew -d ${quoteShell(name.replace(/_ecc$/, ''))}${ecc}${forced}`
}
