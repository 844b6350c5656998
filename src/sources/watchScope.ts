/** What of a source is watched: which folders, how deep, and which lineage a path in them belongs to. */
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { CLIENTS } from '../acme/clients.ts'
import type { Source } from '../config/settings.ts'
import { isFolder, mountsIn } from '../files/fileSystem.ts'
import { isReliable, stampOf } from './fileStamp.ts'

export interface WatchScope {
  readonly folders: readonly string[]
  readonly depth: number
  /** The lineage a path belongs to, undefined for the source as a whole. */
  readonly lineageOf: (path: string) => string | undefined
  /** Whether a path belongs to no certificate, though it lies where they do. */
  readonly isIgnored: (path: string) => boolean
}

/**
 * Folders, never single files: swapping a link makes no event where the link itself is watched. Folders by their real
 * names: chokidar is set not to follow links.
 */
export async function watchScopeOf(source: Source, symlinks = cachedSymlinks()): Promise<WatchScope> {
  if (source.kind === 'pem')
    return scopeForFiles([source.chain, ...(source.key === undefined ? [] : [source.key])], source.name)
  // which certificate in the one file changed is known only by reading it
  if (source.kind === 'traefik') return scopeForFiles([source.path], undefined)
  const { folder: below, depth, nameOf } = CLIENTS[source.kind]
  const folder = await realOf(join(source.path, below))
  const links = await linksIn(folder, await symlinks(folder))
  const entryIn = (path: string) => entryBelow(folder, path, Math.max(1, depth))
  return {
    folders: [...new Set([folder, ...links.keys()])],
    depth,
    lineageOf: path => {
      const below = entryIn(path)
      const [entry, ...more] = [
        ...(below === undefined ? [] : [below]),
        ...(links.get(path) ?? []),
        ...(links.get(dirname(path)) ?? []),
      ]
      return entry === undefined || more.length ? undefined : nameOf(entry)
    },
    isIgnored: path => {
      const entry = entryIn(path)
      return entry !== undefined && nameOf(entry) === undefined
    },
  }
}

async function scopeForFiles(files: readonly string[], name: string | undefined): Promise<WatchScope> {
  const folders = new Set((await Promise.all(files.map(foldersOf))).flat())
  return { folders: [...folders], depth: 0, lineageOf: () => name, isIgnored: () => false }
}

/** More than the kernel follows. */
const MAX_LINKS = 41

/** The folder of the file, and where it is a link, of each path it leads to: any of them may be replaced. */
async function foldersOf(file: string): Promise<readonly string[]> {
  const folders: string[] = []
  let next: string | undefined = file
  for (let links = 0; next !== undefined && links < MAX_LINKS; links++) {
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

/** Undefined for the folders above an entry: a change in them may be of any lineage. */
function entryBelow(folder: string, path: string, levels: number): string | undefined {
  const parts = relative(folder, path).split(sep)
  return parts[0] === '' || parts[0] === '..' || parts.length < levels
    ? undefined
    : parts.slice(0, levels).join('/')
}

/** The names of links to folders, by the folder they lead to: events there have its path and not the link's. */
async function linksIn(
  folder: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>()
  for (const name of names) {
    const path = join(folder, name)
    if (!isFolder(path)) continue
    const target = await realOf(path)
    found.set(target, [...(found.get(target) ?? []), name])
  }
  return found
}

/** Returns a function that names the links in a folder, and lists the folder again only when its entries have changed. */
export function cachedSymlinks(): (folder: string) => Promise<readonly string[]> {
  let known:
    | { readonly folder: string; readonly stamp: string; readonly names: readonly string[] }
    | undefined
  return async folder => {
    const found = await stat(folder).catch(() => undefined)
    const stamp = found ? stampOf(found) : ''
    if (known?.folder === folder && known.stamp === stamp) return known.names
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const names = entries.filter(entry => entry.isSymbolicLink()).map(({ name }) => name)
    known = found && isReliable(found, Date.now()) ? { folder, stamp, names } : undefined
    return names
  }
}

/**
 * Changes when one of the folders is replaced: moved away, restored, mounted over, reached by another link, or made readable
 * by its owner; and when something else is mounted in one of them.
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
