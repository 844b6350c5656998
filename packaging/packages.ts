/** The packages in a release, from the lockfile: the program's dependencies and theirs. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ROOT } from './paths.ts'

interface Entry {
  readonly version: string
  readonly license?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, Entry>>
}

export interface Package {
  readonly name: string
  readonly version: string
  /** An SPDX expression; empty if the package names no licence. */
  readonly licence: string
  /** Base64 of the archive's SHA-512, without its prefix. */
  readonly sha512: string
  /** Relative to the repository. */
  readonly path: string
  /** Paths of its dependencies. */
  readonly needs: readonly string[]
  /** Whether it is a dependency of the program itself. */
  readonly direct: boolean
}

export const readLockfile = async (): Promise<Lockfile> =>
  JSON.parse(await readFile(resolve(ROOT, 'package-lock.json'), 'utf8'))

/** With the optional ones (Node, one package for each processor), sorted by path. */
export function runtimePackages({ packages }: Lockfile): readonly Package[] {
  const found = new Map<string, Package>()
  const own = needsOf(packages, '')
  const walk = (path: string) => {
    if (found.has(path)) return
    const needs = needsOf(packages, path)
    found.set(path, { ...described(path, packages[path] as Entry), needs, direct: own.includes(path) })
    needs.forEach(walk)
  }
  own.forEach(walk)
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The packages in a release for this processor; without one, in a package without Node. */
export const heldFor = (arch: string | undefined, packages: readonly Package[]): readonly Package[] =>
  packages.filter(({ name }) => !name.startsWith('node-linux-') || name === `node-linux-${arch}`)

const described = (path: string, { version, license = '', integrity = '' }: Entry) => ({
  name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
  version,
  licence: license,
  sha512: integrity.replace(/^sha512-/, ''),
  path,
})

function needsOf(packages: Lockfile['packages'], path: string): readonly string[] {
  const entry = packages[path]
  const peers = Object.keys(entry?.peerDependencies ?? {}).filter(
    name => !entry?.peerDependenciesMeta?.[name]?.optional,
  )
  const names = [
    ...Object.keys(entry?.dependencies ?? {}),
    ...Object.keys(entry?.optionalDependencies ?? {}),
    ...peers,
  ]
  return [...new Set(names)].flatMap(name => placeOf(packages, path, name) ?? []).sort()
}

/** As Node resolves a package: in the importer's node_modules, then in each parent's. */
function placeOf(packages: Lockfile['packages'], asker: string, name: string): string | undefined {
  for (let floor = asker; ; floor = floor.slice(0, Math.max(0, floor.lastIndexOf('node_modules/') - 1))) {
    const place = join(floor, 'node_modules', name)
    if (packages[place]) return place
    if (!floor) return undefined
  }
}
