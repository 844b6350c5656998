/** Three lineages on disk, one for each kind of source: what the faults of this machine are tried on. */
import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issue, type Pair, type Wish } from '../../fixtures/certificates.ts'
import { acmeIssue, acmeRenew, all, certbotIssue, certbotRenew } from '../../fixtures/producers.ts'

/** A lineage, and what its receipt has to say. */
export interface Planted {
  readonly id: string
  /** SHA-256 of the leaf, as the service knows it. */
  readonly leaf: string
  /** SHA-256 of the chain. */
  readonly fingerprint: string
  readonly pair: Pair
}

type Lifetime = Pick<Wish, 'notBefore' | 'notAfter'>

export interface Trees {
  readonly folder: string
  /** Each as --source takes it. */
  readonly sources: readonly string[]
  /** As they are now. */
  readonly planted: () => readonly Planted[]
  /** Renews the lineage with this number, as its client does. */
  readonly renew: (index: number) => Promise<void>
  /** What certbot hands to the hook of the first lineage. */
  readonly live: string
}

const [SHOP, MAIL, INTRANET] = ['shop.example.com', 'mail.example.com', 'intranet.example.com'] as const

export async function plantTrees(folder: string, lifetime: Lifetime = {}): Promise<Trees> {
  const named = (name: string) => issue({ names: [name], ...lifetime })

  const [certbot, acme, pem] = [
    join(folder, 'letsencrypt'),
    join(folder, 'acme.sh'),
    join(folder, 'pem'),
  ] as const
  const [chain, key] = [join(pem, 'chain.pem'), join(pem, 'key.pem')]
  const [shop, mail, intranet] = [await named(SHOP), await named(MAIL), await named(INTRANET)] as const
  const writePem = async (pair: Pair) => {
    await writeFile(key, pair.key, { mode: 0o600 })
    await writeFile(chain, pair.chain)
  }
  await all(certbotIssue(certbot, SHOP, shop))
  await all(acmeIssue(acme, MAIL, mail))
  await mkdir(pem)
  await writePem(intranet)
  const planted = [
    plantedAs(`certbot:${SHOP}`, shop),
    plantedAs(`acme.sh:${MAIL}_ecc`, mail),
    plantedAs('pem:intranet', intranet),
  ]
  const renewals = [
    { name: SHOP, write: (pair: Pair) => all(certbotRenew(certbot, SHOP, pair)) },
    { name: MAIL, write: (pair: Pair) => all(acmeRenew(acme, MAIL, pair, { rotateKey: true })) },
    { name: INTRANET, write: writePem },
  ]
  return {
    folder,
    sources: [`certbot=${certbot}`, `acme.sh=${acme}`, `pem=intranet:${chain}:${key}`],
    planted: () => planted,
    renew: async index => {
      const [before, renewal] = [planted[index], renewals[index]]
      if (!before || !renewal) throw new RangeError(`there is no lineage ${index}`)
      const pair = await named(renewal.name)
      planted[index] = plantedAs(before.id, pair)
      await renewal.write(pair)
    },
    live: join(certbot, 'live', SHOP),
  }
}

export function plantedAs(id: string, pair: Pair): Planted {
  const ders = [pair.leaf, pair.intermediate].map(pem => new X509Certificate(pem).raw)
  return { id, leaf: sha256(ders.slice(0, 1)), fingerprint: sha256(ders), pair }
}

const sha256 = (parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
