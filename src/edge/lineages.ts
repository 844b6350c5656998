/** Finds the lineages of every source on disk: at once and not by promise, which takes ten times as long for ten thousand. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Fault, type FaultCode } from '../core/fault.ts'
import { LAYOUTS, type Lineage } from '../core/lineage.ts'
import { lineageIn, nameTaken, pemLineage } from '../core/lineageIn.ts'
import { printableText } from '../core/printable.ts'
import type { FolderSource, Settings, Source } from '../core/settings.ts'
import type { Stored } from '../core/traefikStore.ts'
import { BETWEEN_READS_MS, readStore } from './files.ts'
import { isFolder } from './filesystem.ts'
import { errorCode, readTextFile } from './fileText.ts'
import { keptOf, type Left } from './kept.ts'
import { isSamePlace, isThere } from './place.ts'

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
  const layout = LAYOUTS[kind]
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
  EMFILE: 'EXHAUSTED',
  ENFILE: 'EXHAUSTED',
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
