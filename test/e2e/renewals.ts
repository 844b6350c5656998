/** Two hundred lineages and everything that is written to them, step by step, in each client's own order. */
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { issue, type Pair } from '../fixtures/certificates.ts'
import {
  acmeIssue,
  acmeRenew,
  certbotIssue,
  certbotLink,
  certbotRenew,
  type Step,
} from '../fixtures/producers.ts'
import type { Environment } from './child.ts'

export interface Renewed {
  readonly id: string
  /** What the client that renews it hands to its hook. */
  readonly environment: Environment
  /** Its links are moved to an older certificate and back: for that long, a refusal of it is right. */
  readonly setBack: boolean
  /** SHA-256 of the leaves, in the order they were issued; the last is the one on disk in the end. */
  readonly leaves: readonly string[]
  /** The first issuance and what follows, each to its end before the next begins. */
  readonly changes: ReadonlyArray<readonly Step[]>
}

interface Place {
  readonly root: string
  readonly name: string
}

type Kind = (place: Place, pairs: readonly [Pair, Pair, Pair, Pair]) => Pick<Renewed, 'changes' | 'setBack'>

const certbotKinds: readonly Kind[] = [
  ({ root, name }, [first, ...renewals]) => ({
    setBack: false,
    changes: [certbotIssue(root, name, first), ...renewals.map(pair => certbotRenew(root, name, pair))],
  }),
  ({ root, name }, [first, second, third, fourth]) => ({
    setBack: true,
    changes: [
      certbotIssue(root, name, first),
      certbotRenew(root, name, second),
      certbotLink(root, name, 1),
      certbotLink(root, name, 2),
      certbotRenew(root, name, third),
      certbotRenew(root, name, fourth),
      certbotLink(root, name, 2),
      certbotLink(root, name, 4),
    ],
  }),
]

const acmeKind =
  (rotateKey: boolean): Kind =>
  ({ root, name }, [first, ...renewals]) => ({
    setBack: false,
    changes: [
      acmeIssue(root, name, first),
      ...renewals.map(pair => acmeRenew(root, name, pair, { rotateKey })),
    ],
  })

const HOUR = 3_600_000

async function generations(name: string, keepKey: boolean): Promise<readonly [Pair, Pair, Pair, Pair]> {
  const begin = Date.now() - 24 * HOUR
  const first = await issue({ names: [name], notBefore: new Date(begin) })
  const next = (hours: number) =>
    issue({
      names: [name],
      notBefore: new Date(begin + hours * HOUR),
      ...(keepKey && { keyPem: first.key }),
    })
  return [first, await next(1), await next(2), await next(3)]
}

const leafOf = (pair: Pair) => new X509Certificate(pair.leaf).fingerprint256.replaceAll(':', '').toLowerCase()

async function certbot(root: string, name: string, kind: Kind): Promise<Renewed> {
  const pairs = await generations(name, false)
  return {
    id: `certbot:${name}`,
    environment: { RENEWED_LINEAGE: join(root, 'live', name), RENEWED_DOMAINS: name },
    leaves: pairs.map(leafOf),
    ...kind({ root, name }, pairs),
  }
}

async function acme(root: string, name: string, rotateKey: boolean): Promise<Renewed> {
  const pairs = await generations(name, !rotateKey)
  const folder = join(root, `${name}_ecc`)
  return {
    id: `acme.sh:${name}_ecc`,
    environment: {
      CERT_FULLCHAIN_PATH: join(folder, 'fullchain.cer'),
      CERT_KEY_PATH: join(folder, `${name}.key`),
    },
    leaves: pairs.map(leafOf),
    ...acmeKind(rotateKey)({ root, name }, pairs),
  }
}

/** As many of each of the four kinds. */
export async function renewals(
  count: number,
  roots: { readonly certbot: string; readonly acme: string },
): Promise<readonly Renewed[]> {
  const made: Renewed[] = []
  while (made.length < count) {
    const name = `host${made.length}.example.com`
    for (const kind of certbotKinds) made.push(await certbot(roots.certbot, `${made.length}.${name}`, kind))
    for (const rotate of [false, true]) made.push(await acme(roots.acme, `${made.length}.${name}`, rotate))
  }
  return made
}

/**
 * Milliseconds between two changes of a lineage: every second one comes while the one before is still on its way to the
 * service, so that two processes have different news of one lineage to record.
 */
const pauseAfter = (change: number, dice: number) => (change % 2 ? 2_000 + dice * 500 : 200 + dice * 800)

/** One change after another; `renewed` is told at each one's end, where the client would call its hook. */
export async function write({ changes }: Renewed, dice: () => number, renewed: () => void): Promise<void> {
  for (const [i, steps] of changes.entries()) {
    for (const step of steps) {
      await step.run()
      await setTimeout(dice() * 4)
    }
    renewed()
    if (i < changes.length - 1) await setTimeout(pauseAfter(i, dice()))
  }
}
