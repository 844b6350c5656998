/** A certificate's place on disk under the name its ACME client gave it. Pure. */
import type { SourceKind } from './config.ts'
import type { UploadSettings } from './settings.ts'

export interface Lineage {
  /** Stable across renewals, the same for every command: `certbot:example.com`, `acme.sh:example.com_ecc`, `pem:intranet`. */
  readonly id: string
  /** The id without its kind. */
  readonly name: string
  readonly kind: SourceKind
  readonly chain: string
  /** Absent for a CA certificate, which has none to show. */
  readonly key: string | undefined
  readonly upload: UploadSettings
}

/** How a client's directory names lineages, which file is the chain and which the key. A new client is a new row. */
interface Layout {
  /** The folder under the source's path that holds one folder a lineage. */
  readonly folder: string
  readonly chain: string
  readonly key: (name: string) => string
  /** A folder is a lineage once one of these exists in it, whole or not. */
  readonly signs: (name: string) => readonly string[]
  readonly ignore: (name: string) => boolean
}

const domainOf = (name: string) => name.replace(/_ecc$/, '')

export const LAYOUTS: Readonly<Record<Exclude<SourceKind, 'pem'>, Layout>> = {
  certbot: {
    folder: 'live',
    chain: 'fullchain.pem',
    key: () => 'privkey.pem',
    signs: () => ['fullchain.pem', 'privkey.pem'],
    ignore: name => name.startsWith('.'),
  },
  'acme.sh': {
    folder: '',
    chain: 'fullchain.cer',
    key: name => `${domainOf(name)}.key`,
    // the key alone is no sign: it is written before the order, and stays behind when a first issuance fails
    signs: name => ['fullchain.cer', `${domainOf(name)}.cer`],
    // acme.sh's own rule for its folders: a domain has a dot, an IPv6 address a colon; ca, deploy, dnsapi have neither
    ignore: name => name.startsWith('.') || !/[.:]/.test(name),
  },
}

export const lineageId = (kind: SourceKind, name: string) => `${kind}:${name}`

/** Whether `wanted`, a lineage's name with or without its kind, means this lineage. */
export const isNamed = (wanted: string) => (lineage: Pick<Lineage, 'id' | 'name'>) =>
  wanted === lineage.id || wanted === lineage.name
