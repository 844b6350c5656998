/** Finds certificates in a client's folder that the client no longer keeps, or that are not publicly trusted. */
import { X509Certificate } from 'node:crypto'
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENTS, type FileQueries, type FolderKind, lineageId } from './clients.ts'

/** A certificate that is ignored. */
export interface Left {
  readonly lineage: string
  /** In words that follow its name. */
  readonly why: string
}

interface KeptContext {
  /** The PEM chains stored under a name. */
  readonly chainsOf: (name: string) => Promise<readonly string[]>
  /** Receives those that are ignored. */
  readonly left: Left[]
}

/** Those that the client still keeps. */
export async function keptOf<T extends { readonly name: string }>(
  { kind, path }: { readonly kind: FolderKind; readonly path: string },
  lineages: readonly T[],
  { chainsOf, left }: KeptContext,
): Promise<readonly T[]> {
  const client = CLIENTS[kind]
  const files = fileQueries(path)
  const gone = new Map<string, string>()
  for (const { name } of lineages) {
    const why = 'retired' in client ? client.retired?.(name, files) : undefined
    if (why !== undefined) gone.set(name, why)
  }
  if (client.keepsReplaced) {
    const names = lineages.map(({ name }) => name)
    for (const group of sameDomains(names.filter(name => !gone.has(name)))) {
      const chains = group.map(async name => ({ name, chains: await chainsOf(name).catch(() => []) }))
      for (const [name, why] of replacedIn(await Promise.all(chains), new Date())) gone.set(name, why)
    }
  }
  for (const [name, why] of gone) left.push({ lineage: lineageId(kind, name), why })
  return lineages.filter(({ name }) => !gone.has(name))
}

function fileQueries(path: string): FileQueries {
  const listed = new Map<string, ReadonlySet<string> | undefined>()
  const existenceOf = (name: string) => {
    try {
      return lstatSync(join(path, name), { throwIfNoEntry: false }) ? 'present' : 'absent'
    } catch {
      return 'unknown'
    }
  }
  return {
    isPresent: name => existenceOf(name) === 'present',
    isAbsent: name => existenceOf(name) === 'absent',
    entriesOf: folder => {
      if (!listed.has(folder)) listed.set(folder, entriesIn(join(path, folder)))
      return listed.get(folder)
    },
    linkTarget: name => {
      try {
        return readlinkSync(join(path, name))
      } catch {
        return undefined
      }
    },
  }
}

function entriesIn(folder: string): ReadonlySet<string> | undefined {
  try {
    return new Set(readdirSync(folder))
  } catch {
    return undefined
  }
}

/** Groups of names that stand for the same domains, whatever their issuer and the order of the domains. */
function sameDomains(names: readonly string[]): ReadonlyArray<readonly string[]> {
  const domainsOf = (name: string) => name.slice(0, name.indexOf('@')).split('+').sort().join('+')
  return [...Map.groupBy(names, domainsOf).values()].filter(group => group.length > 1)
}

/** The names whose certificates have all expired while another of the same domains is valid, each with the reason. */
function replacedIn(
  group: ReadonlyArray<{ readonly name: string; readonly chains: readonly string[] }>,
  now: Date,
): ReadonlyArray<readonly [name: string, why: string]> {
  const all = group.map(({ name, chains }) => ({ name, states: chains.map(chain => validityOf(chain, now)) }))
  const valid = all.find(({ states }) => states.includes('valid'))
  if (!valid) return []
  return all
    .filter(({ states }) => states.length > 0 && states.every(state => state === 'expired'))
    .map(({ name }) => [name, `has expired and was replaced by ${valid.name}`])
}

function validityOf(chain: string, now: Date): 'valid' | 'expired' | undefined {
  try {
    const { validFromDate, validToDate } = new X509Certificate(chain)
    if (validToDate <= now) return 'expired'
    return validFromDate <= now ? 'valid' : undefined
  } catch {
    return undefined
  }
}
