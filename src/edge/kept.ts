/** Which of the names in a client's folder are still the client's. */
import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { lineageId } from '../core/lineage.ts'
import { type Look, replacedAmong, retired, rivalsAmong } from '../core/retired.ts'
import type { FolderSource } from '../core/settings.ts'

/** A certificate that is left alone. */
export interface Left {
  readonly lineage: string
  /** In words that follow its name. */
  readonly why: string
}

export interface Keeping {
  /** The texts of a name's certificates. */
  readonly chainsOf: (name: string) => Promise<readonly string[]>
  /** To be told of those that are left alone. */
  readonly left: Left[]
}

export async function keptOf(
  { kind, path }: FolderSource,
  names: readonly string[],
  { chainsOf, left }: Keeping,
): Promise<readonly string[]> {
  const look = lookIn(path)
  const gone = new Map<string, string>()
  if (kind !== 'traefik')
    for (const name of names) {
      const why = retired(kind, name, look)
      if (why !== undefined) gone.set(name, why)
    }
  if (kind === 'caddy' || kind === 'traefik')
    for (const rivals of rivalsAmong(names.filter(name => !gone.has(name)))) {
      const found = rivals.map(async name => ({ name, chains: await chainsOf(name).catch(() => []) }))
      for (const [name, why] of replacedAmong(await Promise.all(found), new Date())) gone.set(name, why)
    }
  for (const [name, why] of gone) left.push({ lineage: lineageId(kind, name), why })
  return names.filter(name => !gone.has(name))
}

const lookIn = (path: string): Look => ({
  has: name => standing(join(path, name)) === 'there',
  lacks: name => standing(join(path, name)) === 'missing',
  target: name => {
    try {
      return readlinkSync(join(path, name))
    } catch {
      return undefined
    }
  },
})

function standing(path: string): 'there' | 'missing' | 'unknown' {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ? 'there' : 'missing'
  } catch {
    return 'unknown'
  }
}
