/** Which addresses are asked whether they serve the new certificate, and what their answers prove. Pure. */
import type { Probe } from '../config/deploy.ts'
import type { Handshake, ServedLeaf } from '../receipts/replacement.ts'
import { STALE_EDGE_MS } from '../util/schedule.ts'
import { covers } from './gates.ts'

/** The label of a wildcard's probe where the certificate names no host below it. */
const PROBE_LABEL = 'certferry-probe'

/**
 * The names of the resources that the new certificate covers, and those of the configuration. For a wildcard the
 * certificate's own names below it are asked.
 */
export function probesFor(
  domains: readonly string[],
  names: readonly string[],
  configured: readonly Probe[],
): readonly Probe[] {
  const fromResources = [...new Set(domains)]
    .filter(domain => covers(names, domain))
    .flatMap(domain => {
      if (!domain.startsWith('*.')) return [{ name: domain, port: 443 }]
      const below = names.filter(name => !name.startsWith('*.') && covers([domain], name))
      return below.length
        ? below.map(name => ({ name, port: 443 }))
        : [{ name: `${PROBE_LABEL}${domain.slice(1)}`, port: 443, isGuess: true }]
    })
  const all: readonly Probe[] = [...configured, ...fromResources]
  // a name that the configuration pins to an address is asked there only
  const pinned = new Set(all.flatMap(({ name, address }) => (address ? [name] : [])))
  const seen = new Set<string>()
  return all.filter(({ name, port, address }) => {
    const key = `${name} ${address ?? ''} ${port}`
    if (seen.has(key) || (!address && pinned.has(name))) return false
    seen.add(key)
    return true
  })
}

/** What a leaf is to a lineage. Nothing but its digest decides. */
export const servedLeaf = (
  leaf: string | undefined,
  current: string,
  earlier: ReadonlySet<string>,
): ServedLeaf =>
  leaf === undefined ? 'none' : leaf === current ? 'new' : earlier.has(leaf) ? 'old' : 'other'

export type Verdict =
  /** Every name answered, and every answer was the new certificate. */
  | 'new'
  /** An address serves an earlier certificate. */
  | 'old'
  /** It does, and has done so for too long. */
  | 'stale'
  /** A name did not answer, or serves a certificate of another's. */
  | 'unknown'

export function verdictOf(
  handshakes: readonly Handshake[],
  { replacedAt, now }: { readonly replacedAt: Date; readonly now: Date },
): Verdict {
  if (handshakes.some(({ leaf }) => leaf === 'old'))
    return now.getTime() - replacedAt.getTime() >= STALE_EDGE_MS ? 'stale' : 'old'
  const byName = [...Map.groupBy(handshakes, ({ name }) => name).values()]
  const isServed = (all: readonly Handshake[]) =>
    all.some(({ leaf }) => leaf === 'new') && all.every(({ leaf }) => leaf === 'new' || leaf === 'none')
  return byName.length > 0 && byName.every(isServed) ? 'new' : 'unknown'
}

/** What could not be verified, name by name. */
export function unverifiedReason(handshakes: readonly Handshake[]): string {
  if (!handshakes.length) return 'no name is known that could be asked'
  const unsure = handshakes.filter(({ leaf }) => leaf !== 'new')
  const parts = unsure.map(
    ({ name, address, leaf, detail }) =>
      `${name} at ${address} ${leaf === 'none' ? `could not be asked (${detail ?? 'no answer'})` : `serves another certificate (${detail ?? 'unknown'})`}`,
  )
  return parts.slice(0, 5).join('; ') + (parts.length > 5 ? `; and ${parts.length - 5} more` : '')
}
