import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBundle } from '../../src/certificate/bundle.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { stampsOf } from '../../src/sources/fileStamp.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { lineageIn } from '../../src/sources/lineage.ts'
import { readPair } from '../../src/sources/readPair.ts'
import { syncAll } from '../../src/upload/syncAll.ts'
import { syncCertificate } from '../../src/upload/syncCertificate.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { acmeIssue, acmeRenew, all, certbotIssue, certbotRenew, type Step } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { memory, WISHES } from './inMemoryDeps.ts'

const { uploadOf } = resolveSettings({}, {}, {})
const NAME = 'example.com'

const old = await issue({ notBefore: new Date(Date.now() - 60 * 86_400_000) })
const sameKey = await issue({ keyPem: old.key })
const newKey = await issue()

interface Producer {
  readonly kind: 'certbot' | 'acme.sh'
  readonly issued: (root: string) => readonly Step[]
  readonly renewed: (root: string) => readonly Step[]
  readonly pair: Pair
}

const certbot = { kind: 'certbot', issued: (root: string) => certbotIssue(root, NAME, old) } as const
const acme = { kind: 'acme.sh', issued: (root: string) => acmeIssue(root, NAME, old) } as const

const PRODUCERS: ReadonlyArray<readonly [name: string, Producer]> = [
  ['certbot', { ...certbot, renewed: root => certbotRenew(root, NAME, newKey), pair: newKey }],
  [
    'certbot that keeps its key',
    { ...certbot, renewed: root => certbotRenew(root, NAME, sameKey, { linkKey: true }), pair: sameKey },
  ],
  ['acme.sh that keeps its key', { ...acme, renewed: root => acmeRenew(root, NAME, sameKey), pair: sameKey }],
  [
    'acme.sh with a new key',
    { ...acme, renewed: root => acmeRenew(root, NAME, newKey, { rotateKey: true }), pair: newKey },
  ],
]

const fingerprintOf = ({ chain, key }: Pair) =>
  parseBundle(
    { chain: { path: 'chain', text: chain }, key: { path: 'key', text: key, password: undefined } },
    new Date(),
  ).fingerprint

/** Reads from the real disk, records in memory, and lets `wait` pass as the test says: it is when others write. */
function observer(root: string, kind: Producer['kind'], wait: () => Promise<void>) {
  const lineage: Lineage = lineageIn(
    { kind, path: root, keys: {} },
    kind === 'certbot' ? NAME : `${NAME}_ecc`,
    uploadOf,
  )
  const kept = memory({
    sleep: wait,
    glance: stampsOf,
    read: one => readPair(one, { now: () => new Date(), wait }),
  })
  const uploads = () => kept.sent.map(({ bundle }) => `${bundle.fingerprint} ${bundle.key?.pem.reveal()}`)
  return { lineage, effects: kept.effects, uploads }
}

const uploaded = (...pairs: readonly Pair[]) => pairs.map(pair => `${fingerprintOf(pair)} ${pair.key}`)

describe.each(PRODUCERS)('%s', (_, { kind, issued, renewed, pair }) => {
  test('looked at between every two of its writes, has each certificate uploaded whole and once', async () => {
    const root = await temporaryDirectory()
    const { lineage, effects, uploads } = observer(root, kind, async () => {})
    for (const { run } of [...issued(root), ...renewed(root)]) {
      await run()
      await syncCertificate(lineage, effects, WISHES)
      await syncCertificate(lineage, effects, WISHES)
    }
    expect(uploads()).toEqual(uploaded(old, pair))
  })

  test('writing while passes look, at whatever speed, has each certificate uploaded whole and once', async () => {
    const home = await temporaryDirectory()
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 6 })), async speed => {
        run += 1
        const root = join(home, String(run))
        await all(issued(root))
        const rest = [...renewed(root)]
        const write = async () => {
          await all(rest.splice(0, speed.next().value))
        }
        const { lineage, effects, uploads } = observer(root, kind, write)
        await syncAll([lineage], effects, WISHES)
        while (rest.length) {
          await write()
          await syncAll([lineage], effects, WISHES)
        }
        // the old one is missing where the writer was at work before the first look was over
        expect([uploaded(old, pair), uploaded(pair)]).toContainEqual(uploads())
      }),
      { numRuns: 15 },
    )
  })
})
