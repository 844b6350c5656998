/** What of a source is watched: which folders, how deep, and whose a path in them is. */
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { CLIENTS } from '../acme/clients.ts'
import type { Source } from '../config/settings.ts'
import { mountsIn } from '../files/fileSystem.ts'
import { isReliable, stampOf } from './fileStamp.ts'

export interface WatchScope {
  readonly folders: readonly string[]
  readonly depth: number
  /** The lineage a path belongs to, undefined for the source as a whole. */
  readonly lineageOf: (path: string) => string | undefined
  /** Whether a path is no certificate's, though it lies where they do. */
  readonly isIgnored: (path: string) => boolean
}

/**
 * Folders, never single files: a link that is swapped makes no event of its own where the link itself is watched. Folders
 * by their real names: links are not followed, and a folder reached by one would be watched as a link.
 */
export async function watchScopeOf(
  source: Source,
  names: CachedSymlinks = cachedSymlinks(),
): Promise<WatchScope> {
  if (source.kind === 'pem')
    return scopeForFiles([source.chain, ...(source.key === undefined ? [] : [source.key])], source.name)
  // whose certificate it is that changed in the one file, only its text tells
  if (source.kind === 'traefik') return scopeForFiles([source.path], undefined)
  const { folder: below, depth, nameOf } = CLIENTS[source.kind]
  const folder = await realOf(join(source.path, below))
  const links = await linksIn(folder, names)
  const entryIn = (path: string) => entryBelow(folder, path, Math.max(1, depth))
  const nameIn = (path: string) => {
    const entries = [entryIn(path) ?? [], ...[path, dirname(path)].map(at => links.get(at) ?? [])].flat()
    const [entry, ...more] = entries
    return entry === undefined || more.length ? undefined : nameOf(entry)
  }
  const isNoise = (path: string) => {
    const entry = entryIn(path)
    return entry !== undefined && nameOf(entry) === undefined
  }
  return { folders: [...new Set([folder, ...links.keys()])], depth, lineageOf: nameIn, isIgnored: isNoise }
}

async function scopeForFiles(files: readonly string[], name: string | undefined): Promise<WatchScope> {
  const folders = new Set((await Promise.all(files.map(foldersOnTheWay))).flat())
  return { folders: [...folders], depth: 0, lineageOf: () => name, isIgnored: () => false }
}

/** More than the kernel follows. */
const MOST_LINKS = 41

/** Of a file that is a link, and of each that one leads to, the folder: any of them may be swapped. */
async function foldersOnTheWay(file: string): Promise<readonly string[]> {
  const folders: string[] = []
  let next: string | undefined = file
  for (let links = 0; next !== undefined && links < MOST_LINKS; links++) {
    const here: string = next
    const folder = await realOf(dirname(here))
    folders.push(folder)
    next = await readlink(here).then(
      target => resolve(folder, target),
      () => undefined,
    )
  }
  return folders
}

const realOf = (path: string) => realpath(path).catch(() => path)

/** A folder that is not there yet is awaited in those above it: what happens there is nobody's in particular. */
function entryBelow(folder: string, path: string, levels: number): string | undefined {
  const parts = relative(folder, path).split(sep)
  return parts[0] === '' || parts[0] === '..' || parts.length < levels
    ? undefined
    : parts.slice(0, levels).join('/')
}

/** Lineages whose folder is a link, by where it leads: what happens there is told of under that name, and not of the link. */
async function linksIn(
  folder: string,
  names: CachedSymlinks,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const links = await names(folder)
  const places = await Promise.all(links.map(name => folderAt(join(folder, name))))
  const found = new Map<string, string[]>()
  for (const [i, name] of links.entries()) {
    const place = places[i]
    if (place !== undefined) found.set(place, [...(found.get(place) ?? []), name])
  }
  return found
}

type CachedSymlinks = (folder: string) => Promise<readonly string[]>

/** The links in a folder. Of one that is asked for every few seconds, listed again only when something has come or gone. */
export function cachedSymlinks(): CachedSymlinks {
  let known: { readonly folder: string; readonly mark: string; readonly names: readonly string[] } | undefined
  return async folder => {
    const standing = await stat(folder, { bigint: true }).catch(() => undefined)
    const mark = standing ? stampOf(standing) : ''
    if (known?.folder === folder && known.mark === mark) return known.names
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const names = entries.filter(entry => entry.isSymbolicLink()).map(({ name }) => name)
    known = standing && isReliable(standing, Date.now()) ? { folder, mark, names } : undefined
    return names
  }
}

const folderAt = async (path: string) => {
  const isFolder = await stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
  return isFolder ? realOf(path) : undefined
}

/**
 * Changes when one of the folders is another than before: moved away, restored, mounted over, reached by another link, or
 * opened to us by its owner; and when something else is mounted in one of them.
 */
export const directoryIdentity = async ({ folders }: WatchScope): Promise<string> => {
  const parts = folders.map(folder =>
    stat(folder).then(
      ({ dev, ino, mode, uid, gid }) => [folder, dev, ino, mode, uid, gid].join(' '),
      () => `${folder} none`,
    ),
  )
  const mounts = (await mountsIn(folders)).map(({ place, id }) => `${place} ${id}`)
  return [...(await Promise.all(parts)), ...mounts].join('\n')
}
