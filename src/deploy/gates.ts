/** What must be true before a certificate may take the place of another that serves. Pure. */
import { X509Certificate } from 'node:crypto'
import type { Bundle } from '../certificate/bundle.ts'
import type { FoundResource } from './surveyReply.ts'

/** A certificate that ends sooner than this is not put in place. In milliseconds. */
const SHORTEST_LIFE_MS = 3_600_000

export interface Obstacle {
  readonly state: 'uncovered' | 'untrusted' | 'held'
  readonly reason: string
  readonly advice: string
}

export interface GateContext {
  readonly bundle: Pick<Bundle, 'names' | 'notBefore' | 'notAfter' | 'chainPem'>
  /** The latest end of those that it is to replace, as far as it is known. */
  readonly replacedNotAfter: Date | undefined
  readonly resources: ReadonlyArray<Pick<FoundResource, 'type' | 'region' | 'instance' | 'domains'>>
  /** Certificates as PEM. */
  readonly roots: readonly string[]
  readonly now: Date
  readonly allowUncovered: boolean
  readonly allowUntrusted: boolean
  /** An operator asked for it: it may end before the one it replaces. */
  readonly force: boolean
}

/** The first thing that stands in the way, most severe first. */
export function obstacleTo(context: GateContext): Obstacle | undefined {
  const { bundle, replacedNotAfter, now, allowUntrusted, force } = context
  if (bundle.notBefore > now || bundle.notAfter.getTime() - now.getTime() < SHORTEST_LIFE_MS)
    return {
      state: 'held',
      reason: `it is not valid now and for the next hour: it is valid from ${bundle.notBefore.toISOString()} to ${bundle.notAfter.toISOString()}`,
      advice: "Check this machine's clock, or renew the certificate.",
    }
  if (!allowUntrusted && !isTrusted(bundle.chainPem, context.roots, now))
    return {
      state: 'untrusted',
      reason: 'its chain leads to no root that browsers trust, as with a staging or self-signed certificate',
      advice:
        'Issue it by a public authority. If clients know its root: allow_untrusted = true in [deploy] or a [[certificate]].',
    }
  if (!force && replacedNotAfter && bundle.notAfter <= replacedNotAfter)
    return {
      state: 'held',
      reason: `it expires on ${bundle.notAfter.toISOString()}, not later than the certificate in place (${replacedNotAfter.toISOString()})`,
      advice: 'To put it in place anyway: certferry replace NAME --force.',
    }
  const uncovered = context.allowUncovered ? [] : uncoveredIn(context.resources, bundle.names)
  if (uncovered.length)
    return {
      state: 'uncovered',
      reason: `it does not cover ${uncovered.join(', ')}`,
      advice:
        'Issue a certificate with these names, or bind another to them. To replace the rest: allow_uncovered = true in [deploy] or a [[certificate]].',
    }
  return undefined
}

/** Each with its resource: `www.example.com (clb lb-1 lbl-2)`. */
export const uncoveredIn = (
  resources: GateContext['resources'],
  names: readonly string[],
): readonly string[] => [
  ...new Set(
    resources.flatMap(({ type, instance, domains }) =>
      domains
        .filter(domain => !covers(names, domain))
        .map(
          domain => `${domain} (${[type, instance === domain ? '' : instance].filter(Boolean).join(' ')})`,
        ),
    ),
  ),
]

/** A wildcard stands for exactly one label. A domain that is itself a wildcard is covered by its like only. */
export function covers(names: readonly string[], domain: string): boolean {
  const wanted = domain.toLowerCase().replace(/\.$/, '')
  const parent = wanted.slice(wanted.indexOf('.'))
  return names.some(name => {
    const own = name.toLowerCase()
    return own === wanted || (own.startsWith('*.') && own.slice(1) === parent)
  })
}

/** Whether a certificate of the chain is a root, or issued by one that is valid now. */
export function isTrusted(chainPem: string, roots: readonly string[], now: Date): boolean {
  const chain = (chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    pem => new X509Certificate(pem),
  )
  return roots.some(pem => {
    const root = new X509Certificate(pem)
    if (root.validToDate < now) return false
    return chain.some(
      one =>
        one.fingerprint256 === root.fingerprint256 || (one.checkIssued(root) && one.verify(root.publicKey)),
    )
  })
}
