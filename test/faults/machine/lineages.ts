/** Lineages on disk for the faults of this machine. */
import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issue, leafFingerprint, type Pair, type Wish } from '../../fixtures/certificates.ts'
import { acmeIssue, acmeRenew, all, certbotIssue, certbotRenew } from '../../fixtures/producers.ts'
import { range } from '../run.ts'

/** A lineage, and what its receipt has to say. */
interface TestLineage {
  readonly id: string
  /** SHA-256 of the leaf, as the service knows it. */
  readonly leaf: string
  /** SHA-256 of the chain. */
  readonly fingerprint: string
  readonly pair: Pair
}

export interface Lineages {
  readonly folder: string
  /** Each as --source takes it. */
  readonly sources: readonly string[]
  /** As they are now. */
  readonly current: () => readonly TestLineage[]
  /** Renews the lineage with this number as its client does. */
  readonly renew: (index: number) => Promise<void>
  /** The folder that certbot passes to the hook of the first lineage. */
  readonly live: string
}

interface Writer {
  readonly id: string
  readonly name: string
  readonly issue: (pair: Pair) => Promise<unknown>
  readonly renew: (pair: Pair) => Promise<unknown>
}

type Lifetime = Pick<Wish, 'notBefore' | 'notAfter'>

async function write(writers: readonly Writer[], lifetime: Lifetime = {}) {
  const pairFor = ({ name }: Writer) => issue({ names: [name], ...lifetime })
  const current: TestLineage[] = []
  for (const writer of writers) {
    const pair = await pairFor(writer)
    await writer.issue(pair)
    current.push(testLineage(writer.id, pair))
  }
  const renew = async (index: number) => {
    const writer = writers[index]
    if (!writer) throw new RangeError(`there is no lineage ${index}`)
    const pair = await pairFor(writer)
    current[index] = testLineage(writer.id, pair)
    await writer.renew(pair)
  }
  return { current: () => current, renew }
}

function testLineage(id: string, pair: Pair): TestLineage {
  const chain = createHash('sha256')
  for (const pem of [pair.leaf, pair.intermediate]) chain.update(new X509Certificate(pem).raw)
  return { id, leaf: leafFingerprint(pair.leaf), fingerprint: chain.digest('hex'), pair }
}

async function writePair(folder: string, { chain, key }: Pair, chainName = 'chain.pem', keyName = 'key.pem') {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, keyName), key, { mode: 0o600 })
  await writeFile(join(folder, chainName), chain)
}

/** One lineage of certbot, one of acme.sh, and one of single files. */
export async function writeLineages(folder: string, lifetime?: Lifetime): Promise<Lineages> {
  const at = (name: string) => join(folder, name)
  const [certbot, acme, pem] = [at('letsencrypt'), at('acme.sh'), at('pem')]
  const [shop, mail, intranet] = ['shop.example.com', 'mail.example.com', 'intranet.example.com'] as const
  const writers: readonly Writer[] = [
    {
      id: `certbot:${shop}`,
      name: shop,
      issue: pair => all(certbotIssue(certbot, shop, pair)),
      renew: pair => all(certbotRenew(certbot, shop, pair)),
    },
    {
      id: `acme.sh:${mail}_ecc`,
      name: mail,
      issue: pair => all(acmeIssue(acme, mail, pair)),
      renew: pair => all(acmeRenew(acme, mail, pair, { rotateKey: true })),
    },
    {
      id: 'pem:intranet',
      name: intranet,
      issue: pair => writePair(pem, pair),
      renew: pair => writePair(pem, pair),
    },
  ]
  return {
    folder,
    sources: [
      `certbot=${certbot}`,
      `acme.sh=${acme}`,
      `pem=intranet:${join(pem, 'chain.pem')}:${join(pem, 'key.pem')}`,
    ],
    live: join(certbot, 'live', shop),
    ...(await write(writers, lifetime)),
  }
}

/** Many of certbot, where three are too few. */
export async function writeManyLineages(folder: string, count: number): Promise<Lineages> {
  const root = join(folder, 'letsencrypt')
  const live = (name: string) => join(root, 'live', name)
  const writers = range(0, count - 1).map((i): Writer => {
    const name = `host${i}.example.com`
    const write = (pair: Pair) => writePair(live(name), pair, 'fullchain.pem', 'privkey.pem')
    return { id: `certbot:${name}`, name, issue: write, renew: write }
  })
  return {
    folder,
    sources: [`certbot=${root}`],
    live: live('host0.example.com'),
    ...(await write(writers)),
  }
}
