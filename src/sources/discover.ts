/** Finds the lineages of every source on disk: at once and not by promise, which takes ten times as long for ten thousand. */
import { readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CLIENTS } from '../acme/clients.ts'
import { keptOf, type Left } from '../acme/retired.ts'
import type { Stored } from '../acme/traefikStore.ts'
import type { FolderSource, Settings, Source } from '../config/settings.ts'
import { Fault, type FaultCode } from '../errors.ts'
import { isFolder } from '../files/fileSystem.ts'
import { BETWEEN_READS_MS, errorCode, readTextFile } from '../files/readFile.ts'
import { isSamePlace, isThere } from '../files/samePlace.ts'
import { printableText } from '../terminal/text.ts'
import { isNamed, type Lineage, lineageIn, nameTaken, pemLineage, usualSources } from './lineage.ts'
import { readStore } from './readPair.ts'

export interface Discovered {
  readonly lineages: readonly Lineage[]
  /** Sources and folders that could not be looked at; the others are not held up. */
  readonly faults: ReadonlyArray<{ readonly lineage: string; readonly fault: Fault }>
  /** What lies in a client's folder and is no longer the client's, with the reason in words. */
  readonly left: readonly Left[]
}

export async function discoverLineages(
  sources: readonly Source[],
  uploadOf: Settings['uploadOf'],
): Promise<Discovered> {
  const lineages = new Map<string, Lineage>()
  const faults: { lineage: string; fault: Fault }[] = []
  const left: Left[] = []
  for (const source of sources) {
    for (const lineage of await lineagesIn(source, uploadOf, left).catch(report(source, faults))) {
      const other = lineages.get(lineage.id)
      if (!other) lineages.set(lineage.id, lineage)
      else if (!isSamePlace(other.chain, lineage.chain))
        faults.push({ lineage: lineage.id, fault: nameTaken(lineage, other.chain) })
    }
  }
  return { lineages: [...lineages.values()], faults, left }
}

const report = (source: Source, faults: { lineage: string; fault: Fault }[]) => (error: unknown) => {
  if (!(error instanceof Fault)) throw error
  faults.push({
    lineage: `${source.kind}:${source.kind === 'pem' ? source.name : source.path}`,
    fault: error,
  })
  return []
}

async function lineagesIn(
  source: Source,
  uploadOf: Settings['uploadOf'],
  left: Left[],
): Promise<readonly Lineage[]> {
  if (source.kind === 'pem') return [pemLineage(source, uploadOf)]
  const names = await namesIn(source, left)
  return [...new Set(names)].sort().map(name => lineageIn(source, name, uploadOf))
}

async function namesIn(source: FolderSource, left: Left[]): Promise<readonly string[]> {
  if (source.kind === 'traefik') {
    const stored = await storedAt(source.path)
    const chainsOf = async (name: string) => stored.filter(one => one.name === name).map(({ chain }) => chain)
    return keptOf(source, [...new Set(stored.map(({ name }) => name))], { chainsOf, left })
  }
  const { kind, path } = source
  const layout = CLIENTS[kind]
  const entries = entriesIn(join(path, layout.folder), layout.depth, source)
  const names = [...new Set(entries.map(layout.nameOf))].filter(name => name !== undefined)
  const chainsOf = async (name: string) => [(await readTextFile(join(path, layout.chain(name)))).text]
  const signed = names.filter(name => hasSign(path, layout.markers(name)))
  return keptOf(source, signed, { chainsOf, left })
}

/** How often a file is read again in which nothing is, 100 ms apart: Traefik empties it, and writes it anew in place. */
const TRIES = 5

async function storedAt(path: string): Promise<readonly Stored[]> {
  for (let left = TRIES; ; left--) {
    const stored = await readStore(path).then(
      found => found.stored,
      error => {
        if (!left || !(error instanceof Fault) || error.code !== 'PAIR_INCOMPLETE') throw error
        return []
      },
    )
    if (stored.length || !left) return stored
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

/** Why a folder cannot be listed, where that says something of the folder or of a limit; all else may pass. */
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

/**
 * lstat, so that the dangling links of certbot's first issuance count: the lineage is there, its files are to come. What
 * cannot be looked at counts too, and reading it says why: a failing disk must not look like a certificate fewer.
 */
function hasSign(path: string, names: readonly string[]): boolean {
  return names.some(name => isThere(join(path, name)))
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
}

/** @throws Fault NO_SOURCE where none is configured and the usual places do not exist. */
export async function listLineages(settings: Settings, home: string): Promise<Listing> {
  const sources = settings.sources.length ? settings.sources : await existingSources(home)
  const { lineages, faults, left } = await discoverLineages(sources, settings.uploadOf)
  return {
    lineages: lineages.filter(({ id }) => !settings.isExcluded(id)),
    failed: faults.map(({ lineage, fault }) => ({ outcome: 'failed', lineage, fault, elapsedMs: 0 })),
    left: left.filter(({ lineage }) => !settings.isExcluded(lineage)),
  }
}

/** Those of the usual places that are there. @throws Fault NO_SOURCE where none is. */
export async function existingSources(home: string): Promise<readonly Source[]> {
  const usual = usualSources(home)
  const there = await Promise.all(
    usual.map(({ path }) =>
      stat(path).then(
        () => true,
        // one that cannot be looked at is there: listing it says why
        ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
      ),
    ),
  )
  const sources = usual.filter((_, i) => there[i])
  if (!sources.length)
    throw new Fault(
      'NO_SOURCE',
      `no source is configured, and none of the usual places is there: ${usual.map(({ path }) => path).join(', ')}`,
    )
  return sources
}

/** Only the lineages asked for. @throws Fault LINEAGE_UNKNOWN for a name that means none. */
export function filterByName(listing: Listing, only: readonly string[] | undefined): Listing {
  if (!only) return listing
  const { lineages, failed, left } = listing
  for (const name of only) {
    const known = lineages.some(isNamed(name)) || failed.some(({ lineage }) => lineage === name)
    if (known) continue
    const gone = left.find(({ lineage }) => isNamed(name)(namedBy(lineage)))
    throw new Fault(
      'LINEAGE_UNKNOWN',
      gone ? `${gone.lineage} ${gone.why}` : `no source has a lineage "${name}"`,
    )
  }
  return {
    lineages: lineages.filter(lineage => only.some(name => isNamed(name)(lineage))),
    failed: failed.filter(({ lineage }) => only.includes(lineage)),
    left: [],
  }
}

const namedBy = (id: string) => ({ id, name: id.slice(id.indexOf(':') + 1) })

/** As a source that cannot be listed is named, in the log and in the metrics. */
export const sourceLabel = (source: Source) =>
  `${source.kind}:${source.kind === 'pem' ? source.name : source.path}`

export const containsLineage = (source: Source, { kind, name, chain }: Lineage) =>
  kind === source.kind &&
  (source.kind === 'pem'
    ? source.name === name
    : chain === source.path || chain.startsWith(`${source.path.replace(/\/$/, '')}/`))

/** What is taken where no source is named: the usual places that are there, or nothing. */
export const existingDefaultSources = (home: string): Promise<readonly Source[]> =>
  existingSources(home).catch(error => {
    if (error instanceof Fault && error.code === 'NO_SOURCE') return []
    throw error
  })
