/** Traefik's acme.json: the certificates of all its resolvers, with their keys, in one file. Pure. */
import { createHash } from 'node:crypto'
import { Fault } from './fault.ts'

/** A certificate in the file, as PEM. */
export interface Stored {
  /** `example.com@resolver`, and further domains after a `+`: Traefik keeps one for each set of domains. */
  readonly name: string
  readonly chain: string
  readonly key: string
}

/**
 * As Traefik 2 and 3 write it, in Go's base64. An entry without a certificate or a key is passed over, as Traefik does it.
 * A file without text is what it asks for to begin with.
 * @throws Fault PAIR_INCOMPLETE for half a file: Traefik empties it and writes it anew in place; FILE_UNFIT for another.
 */
export function storedIn(path: string, text: string): readonly Stored[] {
  if (text.trim() === '') return []
  const store = parsed(path, text)
  const lists = isTable(store)
    ? Object.entries(store).map(([name, data]) => [name, listIn(data)] as const)
    : undefined
  if (!lists || lists.some(([, list]) => list === undefined))
    throw new Fault('FILE_UNFIT', `${path}: is not as Traefik 2 and newer write their acme.json`)
  return lists.flatMap(([resolver, list = []]) => list.flatMap(entry => storedOf(resolver, entry) ?? []))
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isFilled = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** A resolver's certificates; none where it has nothing yet, undefined where it is no resolver. */
function listIn(resolver: unknown): readonly unknown[] | undefined {
  if (resolver === null) return []
  if (!isTable(resolver)) return undefined
  const { Certificates: list } = resolver
  if (list === null || list === undefined) return []
  return Array.isArray(list) ? list : undefined
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // without its cause: that quotes what it stumbled over, which may be of a key
    throw new Fault('PAIR_INCOMPLETE', `${path}: is half-written`)
  }
}

function storedOf(resolver: string, entry: unknown): Stored | undefined {
  if (!isTable(entry) || !isTable(entry.domain)) return undefined
  const { domain, certificate, key } = entry
  if (!isFilled(domain.main) || !isFilled(certificate) || !isFilled(key)) return undefined
  const sans = Array.isArray(domain.sans) ? domain.sans.filter(isFilled) : []
  return {
    name: `${nameOf([domain.main, ...sans])}@${resolver}`,
    chain: decoded(certificate),
    key: decoded(key),
  }
}

const decoded = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')

/** Longer than anybody reads: a hundred domains are told by their first and a digest. */
const LONGEST = 100

function nameOf(domains: readonly string[]): string {
  const all = domains.join('+')
  if (all.length <= LONGEST) return all
  const digest = createHash('sha256').update(all).digest('hex').slice(0, 8)
  return `${domains[0]}+${domains.length - 1}-${digest}`
}
