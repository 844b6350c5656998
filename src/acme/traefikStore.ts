/** Traefik's acme.json: the certificates of all its resolvers, with their keys, in one file. Pure. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { Fault } from '../errors.ts'
import { printableText } from '../terminal/text.ts'

/** A certificate in the file, as PEM. */
export interface Stored {
  /** `example.com@resolver`, and further domains after a `+`: Traefik keeps one for each set of domains. */
  readonly name: string
  readonly chain: string
  readonly key: string
  /** What is wrong with the entry, where chain and key are not as Traefik writes them. */
  readonly damage?: string
}

/** What is done about a file that is none of Traefik's. */
export const STORE_ADVICE =
  'Name the file of certificatesResolvers.NAME.acme.storage, which Traefik itself writes, for example /etc/traefik/acme.json.'

/** A file that nobody has written for this long is not about to become whole. In milliseconds. */
const AT_REST = 60_000

/**
 * As Traefik 2 and 3 write it, in Go's base64. An entry with neither certificate nor key is passed over: Traefik has not got
 * one yet. A file without text is what it asks for to begin with. `age` is the time since it was written.
 * @throws Fault PAIR_INCOMPLETE for half a file: Traefik empties it and writes it anew in place; FILE_INVALID for another.
 */
export function storedIn(path: string, text: string, age = 0): readonly Stored[] {
  if (text.trim() === '') return []
  const store = parsed(path, text, age)
  if (isVersion1(store))
    throw new Fault('FILE_INVALID', `${path}: is as Traefik 1 wrote its acme.json`, {
      advice: 'Traefik 2 and newer do not read it: name the acme.json that they write, or migrate this one.',
    })
  const lists = isTable(store)
    ? Object.entries(store).map(([name, data]) => [name, listIn(data)] as const)
    : undefined
  if (!lists || lists.some(([, list]) => list === undefined)) throw unfit(path)
  return lists.flatMap(([resolver, list = []]) =>
    list.flatMap((entry, i) => storedOf(resolver, entry, i) ?? []),
  )
}

const unfit = (path: string) =>
  new Fault('FILE_INVALID', `${path}: is not as Traefik 2 and newer write their acme.json`, {
    advice: STORE_ADVICE,
  })

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isFilled = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** One account for all, beside its certificates; the first of all had them in DomainsCertificate. */
const isVersion1 = (store: unknown) =>
  isTable(store) &&
  ('DomainsCertificate' in store ||
    ('Account' in store && 'Certificates' in store && !isTable(store.Certificates)))

/** A resolver's certificates; none where it has nothing yet, undefined where it is no resolver. */
function listIn(resolver: unknown): readonly unknown[] | undefined {
  if (resolver === null) return []
  if (!isTable(resolver)) return undefined
  const { Certificates: list } = resolver
  if (list === null || list === undefined) return []
  return Array.isArray(list) ? list : undefined
}

function parsed(path: string, text: string, age: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // without its cause: that quotes what it stumbled over, which may be of a key
    if (!/^\s*\{/.test(text)) throw unfit(path)
    if (age < AT_REST) throw new Fault('PAIR_INCOMPLETE', `${path}: is half-written`)
    throw new Fault('FILE_INVALID', `${path}: is cut off or damaged, and has not been written for a minute`, {
      advice: 'Restore it, or remove it and start Traefik again: Traefik then obtains all certificates anew.',
    })
  }
}

function storedOf(resolver: string, entry: unknown, i: number): Stored | undefined {
  const { domain, certificate, key } = isTable(entry) ? entry : {}
  if (isTable(entry) && !isThere(certificate) && !isThere(key)) return undefined
  const { main, sans } = isTable(domain) ? domain : {}
  if (!isFilled(main)) return { ...NOTHING, name: `entry-${i + 1}@${resolver}`, damage: 'has no domain' }
  const name = `${nameOf([main, ...(Array.isArray(sans) ? sans.filter(isFilled) : [])])}@${resolver}`
  const [chain, secret] = [decoded(certificate), decoded(key)]
  if (!chain?.includes('-----BEGIN '))
    return { ...NOTHING, name, damage: damageOf(certificate, 'certificate') }
  if (!secret?.includes('-----BEGIN ')) return { ...NOTHING, name, damage: damageOf(key, 'key') }
  return { name, chain, key: secret }
}

const NOTHING = { chain: '', key: '' }

const isThere = (value: unknown) => value !== null && value !== undefined && value !== ''

const damageOf = (value: unknown, what: string) =>
  isThere(value) ? `has a ${what} that is not PEM in base64` : `has no ${what}`

/** As Go reads it, to which what is not base64 throughout is none. */
function decoded(value: unknown): string | undefined {
  if (!isFilled(value)) return undefined
  const text = value.replace(/[\r\n]/g, '')
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString('utf8')
}

/** Longer than anybody reads: a hundred domains are told by their first and a digest. */
const LONGEST = 100

function nameOf(domains: readonly string[]): string {
  const all = domains.join('+')
  if (all.length <= LONGEST) return all
  const digest = createHash('sha256').update(all).digest('hex').slice(0, 8)
  return `${domains[0]}+${domains.length - 1}-${digest}`
}

/**
 * The entry of that name. Of several, which Traefik leaves where its domains were written in another order or its
 * storage was restored, the latest that is valid and fits its key, with a note.
 * @throws Fault PAIR_INCOMPLETE where there is none, CERTIFICATE_INVALID where none can be read.
 */
export function entryNamed(
  name: string,
  stored: readonly Stored[],
  { path, now }: { readonly path: string; readonly now: Date },
): Pick<Stored, 'chain' | 'key'> & { readonly notes: readonly string[] } {
  const all = stored.filter(one => one.name === name)
  if (!all.length) throw new Fault('PAIR_INCOMPLETE', `${path}: has no traefik:${name}`)
  const ranked = all.map(one => ({ ...one, ...rankOf(one, now) })).sort(byRank)
  const [best] = ranked
  if (!best || best.damage !== undefined)
    throw new Fault('CERTIFICATE_INVALID', `${path}: the entry ${printableText(name)} ${best?.damage}`, {
      advice: 'Stop Traefik, remove this entry from the file, and start it: it obtains the certificate anew.',
    })
  const notes =
    all.length > 1 ? [`${path} has ${all.length} entries of this name: the latest valid one is taken`] : []
  return { chain: best.chain, key: best.key, notes }
}

/** First those that can be read, then those whose key fits, then those valid now, then the later ones. */
function rankOf({ chain, key, damage }: Stored, now: Date) {
  if (damage !== undefined) return { damage, rank: [0, 0, 0, 0, 0] }
  try {
    const leaf = new X509Certificate(chain)
    const [from, to] = [leaf.validFromDate, leaf.validToDate].map(date => date.getTime()) as [number, number]
    const isValid = from <= now.getTime() && now.getTime() < to
    return { rank: [1, Number(hasKey(leaf, key)), Number(isValid), from, to] }
  } catch {
    return { damage: 'has a certificate that cannot be read', rank: [0, 0, 0, 0, 0] }
  }
}

function hasKey(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function byRank(
  { rank: a }: { readonly rank: readonly number[] },
  { rank: b }: { readonly rank: readonly number[] },
) {
  const i = a.findIndex((part, at) => part !== b[at])
  return i < 0 ? 0 : (b[i] ?? 0) - (a[i] ?? 0)
}
