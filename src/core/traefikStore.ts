/** Traefik's acme.json: the certificates of all its resolvers, with their keys, in one file. Pure. */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { Fault } from './fault.ts'

/** A certificate in the file, as PEM. */
export interface Stored {
  /** `example.com@resolver`, and further domains after a `+`: Traefik keeps one for each set of domains. */
  readonly name: string
  readonly chain: string
  readonly key: string
}

/** As Traefik 2 and 3 write it, in Go's base64; other keys are of no concern. */
const ENTRY = v.object({
  domain: v.object({ main: v.string(), sans: v.nullish(v.array(v.string())) }),
  certificate: v.pipe(v.string(), v.minLength(1)),
  key: v.pipe(v.string(), v.minLength(1)),
})

/** To valibot a list is an object as well. */
const noList = v.custom<object>(value => !Array.isArray(value))
const resolver = v.pipe(noList, v.object({ Certificates: v.nullish(v.array(v.unknown())) }))
const STORE = v.pipe(noList, v.record(v.string(), v.nullable(resolver)))

/**
 * An entry without a certificate or a key is passed over, as Traefik does it. A file without text is what it asks for to
 * begin with.
 * @throws Fault PAIR_INCOMPLETE for half a file: Traefik empties it and writes it anew in place; FILE_UNFIT for another.
 */
export function storedIn(path: string, text: string): readonly Stored[] {
  if (text.trim() === '') return []
  const reading = v.safeParse(STORE, parsed(path, text))
  if (!reading.success)
    throw new Fault('FILE_UNFIT', `${path}: is not as Traefik 2 and newer write their acme.json`)
  return Object.entries(reading.output).flatMap(([resolver, data]) =>
    (data?.Certificates ?? []).flatMap(entry => {
      const found = v.safeParse(ENTRY, entry)
      return found.success ? [storedOf(resolver, found.output)] : []
    }),
  )
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // without its cause: that quotes what it stumbled over, which may be of a key
    throw new Fault('PAIR_INCOMPLETE', `${path}: is half-written`)
  }
}

const storedOf = (resolver: string, { domain, certificate, key }: v.InferOutput<typeof ENTRY>): Stored => ({
  name: `${nameOf([domain.main, ...(domain.sans ?? [])])}@${resolver}`,
  chain: decoded(certificate),
  key: decoded(key),
})

const decoded = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')

/** Longer than anybody reads: a hundred domains are told by their first and a digest. */
const LONGEST = 100

function nameOf(domains: readonly string[]): string {
  const all = domains.join('+')
  if (all.length <= LONGEST) return all
  const digest = createHash('sha256').update(all).digest('hex').slice(0, 8)
  return `${domains[0]}+${domains.length - 1}-${digest}`
}
