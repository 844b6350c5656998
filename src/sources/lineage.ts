/** The lineage that a source has under a name. Pure. */
import { CLIENTS, FOLDER_KINDS, lineageId } from '../acme/clients.ts'
import type { FolderSource, LineageSettings, PemSource, Settings } from '../config/settings.ts'
import type { SourceKind } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { meant } from '../util/similar.ts'

export interface Lineage extends LineageSettings {
  /** Stable across renewals, the same for every command: `certbot:example.com`, `acme.sh:example.com_ecc`, `pem:intranet`. */
  readonly id: string
  /** The id without its kind. */
  readonly name: string
  readonly kind: SourceKind
  readonly chain: string
  /** Absent for a CA certificate. The same file as the chain where a client keeps all in one. */
  readonly key: string | undefined
}

/** Whether `wanted`, a lineage's name with or without its kind, means this lineage. */
export const isNamed = (wanted: string) => (lineage: Pick<Lineage, 'id' | 'name'>) =>
  wanted === lineage.id || wanted === lineage.name

/** The ID that was probably meant by a name that is none, as the end of a message. */
export const meantId = (wanted: string, ids: readonly string[]): string =>
  meant(wanted, [...ids, ...ids.map(id => id.slice(id.indexOf(':') + 1))])

/** The lineage of that name, whether or not anything of it is there yet. */
export function lineageIn(source: FolderSource, name: string, settingsFor: Settings['forLineage']): Lineage {
  const { kind, path, keys } = source
  const id = lineageId(kind, name)
  const { upload, deploy } = settingsFor(id, name, keys)
  if (kind === 'traefik') return { id, name, kind, chain: path, key: path, upload, deploy }
  const folder = path.endsWith('/') ? path : `${path}/`
  const { chain, key } = CLIENTS[kind]
  return { id, name, kind, chain: folder + chain(name), key: folder + key(name), upload, deploy }
}

export function pemLineage(
  { name, chain, key, keys }: PemSource,
  settingsFor: Settings['forLineage'],
): Lineage {
  const id = lineageId('pem', name)
  return { id, name, kind: 'pem', chain, key, ...settingsFor(id, name, keys) }
}

/** Where the ACME clients keep their certificates by default. */
export const usualSources = (home: string): readonly FolderSource[] =>
  FOLDER_KINDS.map(kind => ({ kind, path: CLIENTS[kind].directory(home), keys: {} }))

/** A name is for one place: two places with one name would each replace the other's upload. */
export const nameTaken = ({ chain, id }: Lineage, other: string): Fault =>
  new Fault('NAME_CONFLICT', `${chain} is not used: ${id} is already the name of ${other}`)
