/** Finds the lineages of every source on disk, synchronously: by promise ten thousand take ten times as long. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CLIENTS } from '../acme/clients.ts'
import { keptOf, type Left } from '../acme/retired.ts'
import type { Stored } from '../acme/traefikStore.ts'
import type { FolderSource, Settings, Source } from '../config/settings.ts'
import { Fault, type FaultCode } from '../errors.ts'
import { isFolder, isSamePlace, isThere } from '../files/fileSystem.ts'
import { BETWEEN_READS_MS, errorCode, readTextFile } from '../files/readFile.ts'
import { printableText } from '../terminal/text.ts'
import { type FileStamps, stampsOf } from './fileStamp.ts'
import { isNamed, type Lineage, lineageIn, meantId, nameTaken, pemLineage, usualSources } from './lineage.ts'
import { readStore } from './readPair.ts'

export interface Discovered {
  readonly lineages: readonly Lineage[]
  /** Sources and folders that could not be listed; the others are. */
  readonly faults: ReadonlyArray<{ readonly lineage: string; readonly fault: Fault }>
  /** What lies in a client's folder and is no longer the client's, with the reason in words. */
  readonly left: readonly Left[]
}

/** Gets the stamps of what is found, where its files could be examined. */
type Stamped = Map<Lineage, FileStamps>

/** With `stamped`, a lineage's files are examined in place of its folder: their stamps are needed anyway. */
export async function discoverLineages(
  sources: readonly Source[],
  settingsFor: Settings['forLineage'],
  stamped?: Stamped,
): Promise<Discovered> {
  const lineages = new Map<string, Lineage>()
  const faults: { lineage: string; fault: Fault }[] = []
  const left: Left[] = []
  for (const source of sources) {
    const found = await lineagesIn(source, settingsFor, left, stamped).catch(error => {
      if (!(error instanceof Fault)) throw error
      faults.push({ lineage: sourceLabel(source), fault: error })
      return []
    })
    for (const lineage of found) {
      const other = lineages.get(lineage.id)
      if (!other) lineages.set(lineage.id, lineage)
      else if (!isSamePlace(other.chain, lineage.chain))
        faults.push({ lineage: lineage.id, fault: nameTaken(lineage, other.chain) })
    }
  }
  return { lineages: [...lineages.values()], faults, left }
}

async function lineagesIn(
  source: Source,
  settingsFor: Settings['forLineage'],
  left: Left[],
  stamped: Stamped | undefined,
): Promise<readonly Lineage[]> {
  if (source.kind === 'pem') return [pemLineage(source, settingsFor)]
  const lineagesOf = (names: Iterable<string>) =>
    [...new Set(names)].sort().map(name => lineageIn(source, name, settingsFor))
  if (source.kind === 'traefik') {
    const stored = await storedAt(source.path)
    const chainsOf = async (name: string) => stored.filter(one => one.name === name).map(({ chain }) => chain)
    return keptOf(source, lineagesOf(stored.map(({ name }) => name)), { chainsOf, left })
  }
  const { kind, path } = source
  const { folder, depth, nameOf, chain, markers } = CLIENTS[kind]
  const entries = entriesIn(join(path, folder), depth, source)
  const chainsOf = async (name: string) => [(await readTextFile(join(path, chain(name)))).text]
  const isMarked = (lineage: Lineage) => {
    const stamps = stamped && stampsOf(lineage)
    if (stamps) stamped.set(lineage, stamps)
    // isThere counts the dangling links of certbot's first issuance, and what cannot be examined: reading that says why
    return stamps !== undefined || markers(lineage.name).some(marker => isThere(join(path, marker)))
  }
  const named = lineagesOf(entries.map(nameOf).filter(name => name !== undefined))
  return keptOf(source, named.filter(isMarked), { chainsOf, left })
}

/** How often an empty file is read again, 100 ms apart: Traefik empties it, and writes it anew in place. */
const TRIES = 5

async function storedAt(path: string): Promise<readonly Stored[]> {
  for (let left = TRIES; ; left--) {
    try {
      const { stored } = await readStore(path)
      if (stored.length || !left) return stored
    } catch (error) {
      if (!left || !(error instanceof Fault) || error.code !== 'PAIR_INCOMPLETE') throw error
    }
    await setTimeout(BETWEEN_READS_MS)
  }
}

/** What lies in the folder; where certificates lie deeper than one folder down, what lies in each of its own. */
function entriesIn(folder: string, depth: number, source: FolderSource): readonly string[] {
  const entries = list(folder, source)
  if (depth < 2) return entries
  return entries.flatMap(entry =>
    list(join(folder, entry), source, 'may be none').map(name => `${entry}/${name}`),
  )
}

/** Errors of the folder itself or of a limit. All others may be temporary. */
const UNLISTED: Readonly<Record<string, FaultCode>> = {
  EACCES: 'SOURCE_UNREADABLE',
  EPERM: 'SOURCE_UNREADABLE',
  ELOOP: 'SOURCE_UNREADABLE',
  ENAMETOOLONG: 'SOURCE_UNREADABLE',
  EMFILE: 'TOO_MANY_OPEN_FILES',
  ENFILE: 'TOO_MANY_OPEN_FILES',
}

function list(folder: string, { path }: FolderSource, otherwise?: 'may be none'): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new Fault(UNLISTED[code] ?? 'FILE_UNAVAILABLE', `${folder}: cannot be listed (${code})`, {
        cause: error,
      })
    if (otherwise) return []
    // certbot makes live/ with its first certificate: a source without it is there and empty
    if (folder !== path && isFolder(path)) return []
    const is = code === 'ENOTDIR' && isThere(path) ? 'is a file and no directory' : 'no such directory'
    throw new Fault('SOURCE_MISSING', `${printableText(path)}: ${is}`)
  }
}

/** A source that could not be listed, in the form of an outcome. */
interface SourceFailure {
  readonly outcome: 'failed'
  readonly lineage: string
  readonly fault: Fault
  readonly elapsedMs: number
}

export interface Listing {
  readonly lineages: readonly Lineage[]
  readonly failed: readonly SourceFailure[]
  readonly left: readonly Left[]
  /** The configured ones, or the usual ones that exist. */
  readonly sources: readonly Source[]
  /** Left out by [[certificate]] exclude = true. */
  readonly excluded: readonly string[]
  /** Patterns of [[certificate]] that fit nothing; none where a source could not be listed. */
  readonly unmatched: readonly string[]
}

export const excludedText = ({ excluded }: Listing): string =>
  excluded.length ? `; ${excluded.length} left out by exclude = true` : ''

/** @throws Fault NO_SOURCE where none is configured and the usual places do not exist. */
export async function listLineages(settings: Settings, home: string, stamped?: Stamped): Promise<Listing> {
  const sources = settings.sources.length ? settings.sources : existingSources(home)
  if (!sources.length) {
    const places = usualSources(home).map(({ path }) => path)
    throw new Fault(
      'NO_SOURCE',
      `no source is configured, and none of the usual places is there: ${places.join(', ')}`,
    )
  }
  const { lineages: all, faults, left } = await discoverLineages(sources, settings.forLineage, stamped)
  const excluded = new Set(all.map(({ id }) => id).filter(settings.isExcluded))
  return {
    sources,
    excluded: [...excluded],
    unmatched: faults.length
      ? []
      : settings.unmatched([...all.map(({ id }) => id), ...left.map(({ lineage }) => lineage)]),
    lineages: all.filter(({ id }) => !excluded.has(id)),
    failed: faults.map(({ lineage, fault }) => ({ outcome: 'failed', lineage, fault, elapsedMs: 0 })),
    left: left.filter(({ lineage }) => !settings.isExcluded(lineage)),
  }
}

/** Those of the usual places that are there: the sources where none is configured. */
export const existingSources = (home: string): readonly Source[] =>
  usualSources(home).filter(({ path }) => exists(path))

/** A folder that cannot be examined exists: listing it says why. */
function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return errorCode(error) !== 'ENOTDIR'
  }
}

/** Only the lineages asked for. @throws Fault LINEAGE_UNKNOWN for a name that means none. */
export function filterByName(listing: Listing, only: readonly string[] | undefined): Listing {
  if (!only) return listing
  const { lineages, failed, left } = listing
  for (const name of only) {
    if (lineages.some(isNamed(name)) || failed.some(({ lineage }) => lineage === name)) continue
    const gone = left.find(({ lineage: id }) => isNamed(name)({ id, name: id.slice(id.indexOf(':') + 1) }))
    throw new Fault(
      'LINEAGE_UNKNOWN',
      gone
        ? `${gone.lineage} ${gone.why}`
        : `no source has a lineage "${name}"${meantId(
            name,
            lineages.map(({ id }) => id),
          )}`,
    )
  }
  return {
    ...listing,
    lineages: lineages.filter(lineage => only.some(name => isNamed(name)(lineage))),
    failed: failed.filter(({ lineage }) => only.includes(lineage)),
    left: [],
  }
}

/** As a source that cannot be listed is named, in the log and in the metrics. */
export const sourceLabel = (source: Source) =>
  `${source.kind}:${source.kind === 'pem' ? source.name : source.path}`

export const containsLineage = (source: Source, { kind, name, chain }: Lineage) =>
  kind === source.kind &&
  (source.kind === 'pem'
    ? source.name === name
    : chain === source.path || chain.startsWith(`${source.path.replace(/\/$/, '')}/`))
