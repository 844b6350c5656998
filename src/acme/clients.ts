/** ACME clients: where each keeps its certificates, under which names, and how it calls a hook. A new client is a new row. Pure. */
import type { Fault, FaultCode } from '../errors.ts'
import { quoteShell } from '../terminal/text.ts'

/** Where a client keeps its certificates by default: its own default, or Debian's. */
interface ClientBasics {
  readonly directory: (home: string) => string
  /**
   * How certferry is called after a renewal: by a file that install-hook writes (its text is in hookScripts.ts), or by what the
   * operator does (the advice is in hookMessages.ts).
   */
  readonly hook: 'file' | 'manual'
  /** Keeps certificates of another issuer or order of domains beside the current one; the expired ones are ignored. */
  readonly keepsReplaced?: true
  /** The command that renews one certificate now; `force` even if it is not due. */
  readonly renew?: (name: string, force: boolean) => string
}

/** A client with files for each certificate in a folder. Paths are relative to the source's path. */
interface TreeClient extends ClientBasics {
  /** The folder in which certificates are listed. */
  readonly folder: string
  /** How many folders below that one a certificate's files lie. */
  readonly depth: 0 | 1 | 2
  /** Lineage name for an entry of the folder, or undefined if the entry belongs to no lineage. */
  readonly nameOf: (entry: string) => string | undefined
  readonly chain: (name: string) => string
  readonly key: (name: string) => string
  /** A lineage exists as soon as one of these files does. */
  readonly markers: (name: string) => readonly string[]
  /** If this file exists and the key does not, the client was given a signing request and never had the key. */
  readonly keyless?: (name: string) => string
  /** Why the client no longer keeps this lineage, in words that follow its name; undefined if it does. */
  readonly retired?: (name: string, files: FileQueries) => string | undefined
}

/** A client with one file for all certificates. */
interface FileClient extends ClientBasics {
  readonly folder?: never
}

/** Questions about files below the source's path. A file whose existence is unknown is neither present nor absent. */
export interface FileQueries {
  readonly isPresent: (path: string) => boolean
  readonly isAbsent: (path: string) => boolean
  /** What a folder holds, listed once for all lineages; undefined where it cannot be listed. */
  readonly entriesOf: (folder: string) => ReadonlySet<string> | undefined
  readonly linkTarget: (path: string) => string | undefined
}

/** acme.sh names the folder of an ECC certificate after the domain and `_ecc`. */
export const domainOf = (name: string) => name.replace(/_ecc$/, '')

const isHidden = (name: string) => name.startsWith('.')

/** A domain has a dot, an IPv6 address a colon; other folders of these clients have neither. */
const isIdentifier = (name: string) => !isHidden(name) && /[.:]/.test(name)

const inHome = (home: string, folder: string) => `${home.replace(/\/$/, '')}/${folder}`

const ROWS = {
  certbot: {
    directory: () => '/etc/letsencrypt',
    hook: 'file',
    folder: 'live',
    depth: 1,
    nameOf: entry => (isHidden(entry) ? undefined : entry),
    chain: name => `live/${name}/fullchain.pem`,
    key: name => `live/${name}/privkey.pem`,
    markers: name => [`live/${name}/fullchain.pem`, `live/${name}/privkey.pem`],
    // certbot creates this file first, and `certbot delete` removes it first. Where only live and archive were copied or
    // mounted, the folder renewal is missing for every lineage
    retired: (name, { entriesOf }) =>
      entriesOf('renewal')?.has(`${name}.conf`) === false
        ? `is no longer kept by certbot: renewal/${name}.conf does not exist`
        : undefined,
    renew: (name, force) =>
      `sudo certbot renew --cert-name ${quoteShell(name)}${force ? ' --force-renewal' : ''}`,
  },
  'acme.sh': {
    directory: home => inHome(home, '.acme.sh'),
    hook: 'file',
    folder: '',
    depth: 1,
    // acme.sh's own rule for its folders: ca, deploy, dnsapi hold no certificates
    nameOf: entry => (isIdentifier(entry) ? entry : undefined),
    chain: name => `${name}/fullchain.cer`,
    key: name => `${name}/${domainOf(name)}.key`,
    // a key alone is no certificate: it is written before the order, and stays behind when a first issuance fails
    markers: name => [`${name}/fullchain.cer`, `${name}/${domainOf(name)}.cer`],
    // acme.sh's own test for "Signing from existing CSR": it creates its own key before the request
    keyless: name => `${name}/${domainOf(name)}.csr`,
    // --remove renames the configuration, --revoke removes the leaf; both leave everything else
    retired: (name, { isPresent, isAbsent }) => {
      const file = `${name}/${domainOf(name)}`
      if (isAbsent(`${file}.conf`) && isPresent(`${file}.conf.removed`))
        return 'was removed with acme.sh --remove'
      if (isAbsent(`${file}.cer`) && isPresent(`${file}.key.revoked`))
        return 'was revoked with acme.sh --revoke'
      return undefined
    },
    renew: (name, force) =>
      `acme.sh --renew -d ${quoteShell(domainOf(name))}${name.endsWith('_ecc') ? ' --ecc' : ''}${force ? ' --force' : ''}`,
  },
  lego: {
    directory: home => inHome(home, '.lego'),
    hook: 'manual',
    folder: 'certificates',
    depth: 0,
    // `*` is `_` in its file names; it archives into another folder, `archives`
    nameOf: entry => /^([^.].*?)(?:\.issuer\.crt|\.crt|\.key|\.json|\.pem|\.pfx)$/.exec(entry)?.[1],
    chain: name => `certificates/${name}.crt`,
    key: name => `certificates/${name}.key`,
    markers: name => [`certificates/${name}.crt`],
    // the last file that it writes
    keyless: name => `certificates/${name}.json`,
  },
  dehydrated: {
    directory: () => '/var/lib/dehydrated/certs',
    hook: 'file',
    // its CERTDIR, which may have any name
    folder: '',
    depth: 1,
    nameOf: entry => (isHidden(entry) ? undefined : entry),
    // both are links; unfinished and earlier files have a time in their name
    chain: name => `${name}/fullchain.pem`,
    key: name => `${name}/privkey.pem`,
    markers: name => [`${name}/fullchain.pem`],
    // --revoke renames the leaf, --cleanup then moves it to the archive beside the folder; the chain stays in use
    retired: (name, { isPresent, linkTarget }) => {
      const time = /(?:^|\/)fullchain-(\d+)\.pem$/.exec(linkTarget(`${name}/fullchain.pem`) ?? '')?.[1]
      const revoked = `cert-${time}.pem-revoked`
      return time !== undefined &&
        (isPresent(`${name}/${revoked}`) || isPresent(`../archive/${name}/${revoked}`))
        ? 'was revoked with dehydrated --revoke'
        : undefined
    },
  },
  uacme: {
    directory: () => '/etc/ssl/uacme',
    hook: 'manual',
    folder: '',
    depth: 1,
    // its keys are in `private`, which is not watched: a key is written before its certificate, and then kept
    nameOf: entry => (isIdentifier(entry) ? entry : undefined),
    chain: name => `${name}/cert.pem`,
    key: name => `private/${name}/key.pem`,
    markers: name => [`${name}/cert.pem`],
  },
  caddy: {
    directory: () => '/var/lib/caddy/.local/share/caddy',
    hook: 'manual',
    keepsReplaced: true,
    folder: 'certificates',
    depth: 2,
    nameOf: entry => {
      const [issuer = '', name = ''] = entry.split('/')
      // `local` is Caddy's own authority, whose certificates last for hours and are trusted by Caddy's clients alone
      const isPublic = name && !isHidden(issuer) && !isHidden(name) && issuer !== 'local'
      return isPublic ? `${name}@${issuer}` : undefined
    },
    chain: name => `${caddyFiles(name)}.crt`,
    key: name => `${caddyFiles(name)}.key`,
    markers: name => [`${caddyFiles(name)}.crt`],
    // an authority of any ID keeps its own certificates in the same storage
    retired: (name, { isPresent }) => {
      const issuer = name.slice(name.indexOf('@') + 1)
      return isPresent(`pki/authorities/${issuer}`)
        ? `was issued by Caddy's own authority "${issuer}", which is not publicly trusted`
        : undefined
    },
  },
  traefik: { directory: () => '/etc/traefik/acme.json', hook: 'manual', keepsReplaced: true },
} as const satisfies Readonly<Record<string, TreeClient | FileClient>>

/** `example.com@issuer`: two issuers may each have one of the same name. No domain has an `@`. */
function caddyFiles(name: string): string {
  const at = name.indexOf('@')
  const domain = at < 0 ? name : name.slice(0, at)
  return `certificates/${at < 0 ? '' : name.slice(at + 1)}/${domain}/${domain}`
}

export type FolderKind = keyof typeof ROWS

type KindsWith<Row> = { [K in FolderKind]: (typeof ROWS)[K] extends Row ? K : never }[FolderKind]

/** Clients with files for each certificate. */
export type TreeKind = KindsWith<{ readonly folder: string }>

/** Clients whose hook is a file that install-hook writes. */
export type HookFileClient = KindsWith<{ readonly hook: 'file' }>

export const FOLDER_KINDS = Object.keys(ROWS) as readonly FolderKind[]

export const CLIENTS: { readonly [K in FolderKind]: K extends TreeKind ? TreeClient : FileClient } = ROWS

export const hasHookFile = (kind: FolderKind): kind is HookFileClient => CLIENTS[kind].hook === 'file'

export const HOOK_FILE_CLIENTS: readonly HookFileClient[] = FOLDER_KINDS.filter(hasHookFile)

export const lineageId = (kind: FolderKind | 'pem', name: string) => `${kind}:${name}`

/** Faults that a new certificate fixes. */
const RENEWABLE: ReadonlySet<FaultCode> = new Set([
  'EXPIRED',
  'CERTIFICATE_INVALID',
  'KEY_INVALID',
  'WRONG_KEY',
  'MULTIPLE_LEAVES',
  'REJECTED_BEFORE',
])

/** Rejections by the service that are caused by the certificate and not by a setting. */
const CAUSED_BY_FILES: ReadonlySet<string> = new Set([
  'FailedOperation.CertificateChainError',
  'FailedOperation.CertificateInvalid',
  'FailedOperation.CertificateMatchError',
  'FailedOperation.CertificateMismatch',
  'InvalidParameter.MissMatchPrivateKey',
])

/** The command that renews this certificate now; undefined if that does not fix the fault, or the client has no such command. */
export function renewCommand(
  { kind, name }: { readonly kind: FolderKind | 'pem'; readonly name: string },
  { code, apiCode }: Pick<Fault, 'code' | 'apiCode'>,
): string | undefined {
  if (kind === 'pem' || !RENEWABLE.has(code)) return undefined
  if (code === 'REJECTED_BEFORE' && !CAUSED_BY_FILES.has(apiCode ?? '')) return undefined
  return CLIENTS[kind].renew?.(name, code !== 'EXPIRED')
}
