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

export const STORE_ADVICE =
  'Name the file of certificatesResolvers.NAME.acme.storage, which Traefik itself writes, for example /etc/traefik/acme.json.'

/** A file that has not been written for this long will not become complete. In milliseconds. */
const AT_REST = 60_000

/**
 * Reads what Traefik 2 and 3 write: for each resolver an account and certificates, in Go's base64. `age` is the time since it
 * was written. @throws Fault PAIR_INCOMPLETE for half a file, because Traefik rewrites it in place; FILE_INVALID for another.
 */
export function storedIn(path: string, text: string, age = 0): readonly Stored[] {
  if (text.trim() === '') return []
  const store = parsed(path, text, age)
  if (isVersion1(store))
    throw new Fault('FILE_INVALID', `${path}: is as Traefik 1 wrote its acme.json`, {
      advice: 'Traefik 2 and newer do not read it: name the acme.json that they write, or migrate this one.',
    })
  if (!isTable(store)) throw foreign(path)
  return Object.entries(store).flatMap(([resolver, data]) => {
    const list = certificatesOf(data)
    if (!Array.isArray(list)) throw foreign(path)
    return list.flatMap((entry: unknown, i) => storedOf(resolver, entry, i) ?? [])
  })
}

/** A resolver that has obtained nothing yet is null, or has no list. */
function certificatesOf(resolver: unknown): unknown {
  if (resolver === null) return []
  return isTable(resolver) ? (resolver.Certificates ?? []) : undefined
}

const foreign = (path: string) =>
  new Fault('FILE_INVALID', `${path}: is not as Traefik 2 and newer write their acme.json`, {
    advice: STORE_ADVICE,
  })

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Version 1 has one account for all certificates; its first releases kept them in DomainsCertificate. */
const isVersion1 = (store: unknown) =>
  isTable(store) &&
  ('DomainsCertificate' in store ||
    ('Account' in store && 'Certificates' in store && !isTable(store.Certificates)))

function parsed(path: string, text: string, age: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // without the cause: its message quotes the text, which may be part of a key
    if (!/^\s*\{/.test(text)) throw foreign(path)
    if (age < AT_REST) throw new Fault('PAIR_INCOMPLETE', `${path}: is half-written`)
    throw new Fault('FILE_INVALID', `${path}: is cut off or damaged, and has not been written for a minute`, {
      advice:
        'Restore it, or remove it and start Traefik again: Traefik then obtains all certificates again.',
    })
  }
}

/** Undefined for an entry with neither certificate nor key: Traefik has not obtained them yet. */
function storedOf(resolver: string, entry: unknown, i: number): Stored | undefined {
  const { domain, certificate, key } = isTable(entry) ? entry : {}
  if (isTable(entry) && isEmpty(certificate) && isEmpty(key)) return undefined
  const damaged = (name: string, damage: string) => ({ name, damage, chain: '', key: '' })
  const { main, sans } = isTable(domain) ? domain : {}
  if (!isText(main)) return damaged(`entry-${i + 1}@${resolver}`, 'has no domain')
  const name = `${nameOf([main, ...(Array.isArray(sans) ? sans.filter(isText) : [])])}@${resolver}`
  for (const [what, value] of Object.entries({ certificate, key }))
    if (!decoded(value).includes('-----BEGIN '))
      return damaged(name, isEmpty(value) ? `has no ${what}` : `has a ${what} that is not PEM in base64`)
  return { name, chain: decoded(certificate), key: decoded(key) }
}

const isEmpty = (value: unknown) => value === null || value === undefined || value === ''

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Go accepts base64 without foreign characters only. */
function decoded(value: unknown): string {
  const text = isText(value) ? value.replace(/[\r\n]/g, '') : ''
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  return isBase64 ? Buffer.from(text, 'base64').toString('utf8') : ''
}

/** Longer names have the first domain and a digest of all. */
const MAX_NAME = 100

function nameOf(domains: readonly string[]): string {
  const all = domains.join('+')
  if (all.length <= MAX_NAME) return all
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
  const [best] = all
    .map(one => ({ ...one, ...rankOf(one, now) }))
    .sort((a, b) => b.level - a.level || b.from - a.from || b.to - a.to)
  if (!best || best.damage !== undefined)
    throw new Fault('CERTIFICATE_INVALID', `${path}: the entry ${printableText(name)} ${best?.damage}`, {
      advice:
        'Stop Traefik, remove this entry from the file, and start it: it obtains the certificate again.',
    })
  const { chain, key } = best
  const note = `${path} has ${all.length} entries of this name: the latest valid one is taken`
  return { chain, key, notes: all.length > 1 ? [note] : [] }
}

/** A readable entry before others, then one whose key fits, then a valid one, then the latest. */
function rankOf({ chain, key, damage }: Stored, now: Date) {
  const unreadable = { level: 0, from: 0, to: 0 }
  if (damage !== undefined) return unreadable
  try {
    const leaf = new X509Certificate(chain)
    const [from, to] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
    const isValid = from <= now.getTime() && now.getTime() < to
    return { level: 4 + (hasKey(leaf, key) ? 2 : 0) + (isValid ? 1 : 0), from, to }
  } catch {
    return { ...unreadable, damage: 'has a certificate that cannot be read' }
  }
}

function hasKey(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
