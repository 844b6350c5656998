/** Certificates that lie in a client's folder and that the client itself no longer keeps, or that are for it alone. */
import { X509Certificate } from 'node:crypto'
import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { FolderSource } from '../config/settings.ts'
import { lineageId, type TreeKind } from './clients.ts'

/** What is seen below the source's path. What cannot be looked at is neither there nor missing. */
interface Look {
  readonly has: (path: string) => boolean
  readonly lacks: (path: string) => boolean
  /** Where a link leads, as it says. */
  readonly target: (path: string) => string | undefined
}

/** Why a lineage of this name is left alone, in words that follow its name; undefined where it is carried. */
const retired = (kind: TreeKind, name: string, look: Look): string | undefined => RETIRED[kind]?.(name, look)

const domainOf = (name: string) => name.replace(/_ecc$/, '')

/** lego and uacme move or rename the certificate itself, so that nothing is left to be found. */
const RETIRED: Readonly<Partial<Record<TreeKind, (name: string, look: Look) => string | undefined>>> = {
  // the first thing that certbot makes of a lineage, before its folder, and the first that `certbot delete` removes. Where only
  // live and archive were copied or mounted there is no folder for any
  certbot: (name, { has, lacks }) =>
    has('renewal') && lacks(`renewal/${name}.conf`)
      ? `is no longer kept by certbot: renewal/${name}.conf is not there`
      : undefined,

  // --remove renames the configuration, --revoke removes the leaf; both leave everything else
  'acme.sh': (name, { has, lacks }) => {
    const file = `${name}/${domainOf(name)}`
    if (lacks(`${file}.conf`) && has(`${file}.conf.removed`)) return 'was removed with acme.sh --remove'
    return lacks(`${file}.cer`) && has(`${file}.key.revoked`)
      ? 'was revoked with acme.sh --revoke'
      : undefined
  },

  // --revoke renames the leaf, --cleanup then moves it to the archive beside the folder; the chain stays in use
  dehydrated: (name, { has, target }) => {
    const time = /(?:^|\/)fullchain-(\d+)\.pem$/.exec(target(`${name}/fullchain.pem`) ?? '')?.[1]
    const revoked = `cert-${time}.pem-revoked`
    return time !== undefined && (has(`${name}/${revoked}`) || has(`../archive/${name}/${revoked}`))
      ? 'was revoked with dehydrated --revoke'
      : undefined
  },

  // an authority of any id keeps its own certificates in the same storage
  caddy: (name, { has }) => {
    const issuer = name.slice(name.indexOf('@') + 1)
    return has(`pki/authorities/${issuer}`)
      ? `is of Caddy's own authority "${issuer}", which nobody else trusts`
      : undefined
  },
}

/**
 * Caddy and Traefik keep what they had of one issuer when they turn to another, and Traefik what it had of domains in another
 * order: names of the same domains, of which the client takes the one that is valid.
 */
function rivalsAmong(names: readonly string[]): ReadonlyArray<readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const domains = name.slice(0, name.indexOf('@')).split('+').sort().join('+')
    groups.set(domains, [...(groups.get(domains) ?? []), name])
  }
  return [...groups.values()].filter(group => group.length > 1)
}

interface Rival {
  readonly name: string
  /** Its certificates as PEM, leaf first. */
  readonly chains: readonly string[]
}

/** Those that have expired while another of the same domains is valid, each with the reason. */
function replacedAmong(rivals: readonly Rival[], now: Date): ReadonlyMap<string, string> {
  const states = rivals.map(({ name, chains }) => ({
    name,
    states: chains.map(chain => stateOf(chain, now)),
  }))
  const valid = states.find(one => one.states.includes('valid'))
  const expired = states.filter(
    one => one.states.length > 0 && one.states.every(state => state === 'expired'),
  )
  return new Map(
    valid ? expired.map(({ name }) => [name, `has expired, and ${valid.name} is in its place`]) : [],
  )
}

function stateOf(chain: string, now: Date): 'valid' | 'expired' | undefined {
  try {
    const { validFromDate, validToDate } = new X509Certificate(chain)
    if (validToDate <= now) return 'expired'
    return validFromDate <= now ? 'valid' : undefined
  } catch {
    return undefined
  }
}

/** A certificate that is left alone. */
export interface Left {
  readonly lineage: string
  /** In words that follow its name. */
  readonly why: string
}

interface Keeping {
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
