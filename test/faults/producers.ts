/** The ACME clients whose writing is stopped, with certificates of our own. */
import { join } from 'node:path'
import type { Source } from '../../src/config/settings.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { certbotIssue, certbotRenew, type Step } from '../fixtures/producers.ts'
import { recordedSteps, sourceOf } from '../fixtures/recorded.ts'
import { type Client, RECORDED, recordingOf } from '../fixtures/recording.ts'
import { rewritten, storeText, touched } from '../fixtures/traefikStore.ts'

export const NAME = 'example.com'

export const old = await issue({ notBefore: new Date(Date.now() - 60 * 86_400_000) })
const sameKey = await issue({ keyPem: old.key })
const newKey = await issue()

const storeOf = (pair: Pair) => storeText({ le: [{ domains: [NAME], pair }] })

export interface Producer {
  readonly name: string
  readonly sourceAt: (root: string) => Source
  readonly issued: (root: string) => readonly Step[]
  readonly renewed: (root: string) => readonly Step[]
  /** What it renews to. */
  readonly renewal: Pair
  /** uacme keeps its key and renames whole chains into place: there is no moment at which nothing whole is there. */
  readonly everHalfWay: boolean
}

/** A client as it was recorded. */
function recorded(client: Client): Producer {
  const { issuance, renewal, keepsKey } = recordingOf(client)
  const pair = keepsKey ? sameKey : newKey
  const at = (root: string) => ({ root, name: NAME })
  return {
    name: client,
    sourceAt: root => sourceOf(client, at(root)),
    issued: root => recordedSteps(issuance, at(root), old),
    renewed: root => recordedSteps(renewal, at(root), pair),
    renewal: pair,
    everHalfWay: client !== 'uacme',
  }
}

export const PRODUCERS: readonly Producer[] = [
  ...RECORDED.map(recorded),
  {
    name: 'Traefik',
    sourceAt: root => ({ kind: 'traefik', path: join(root, 'acme.json'), keys: {} }),
    issued: root => [touched(join(root, 'acme.json')), ...rewritten(join(root, 'acme.json'), storeOf(old))],
    renewed: root => rewritten(join(root, 'acme.json'), storeOf(newKey)),
    renewal: newKey,
    everHalfWay: true,
  },
  {
    name: 'certbot --reuse-key of older versions',
    sourceAt: root => sourceOf('certbot', { root }),
    issued: root => certbotIssue(root, NAME, old),
    renewed: root => certbotRenew(root, NAME, sameKey, { linkKey: true }),
    renewal: sameKey,
    everHalfWay: true,
  },
]
