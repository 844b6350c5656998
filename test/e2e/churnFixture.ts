/** Five hundred lineages of two clients, renewed, taken away and brought back. */
import { createHash, X509Certificate } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { acmeIssue, acmeRenew, all, certbotIssue, certbotRenew } from '../fixtures/producers.ts'

export interface ChurnGround {
  readonly count: number
  readonly renew: (i: number) => Promise<void>
  /** Takes a lineage's folder away; the returned function brings it back. */
  readonly takeAway: (i: number) => Promise<() => Promise<void>>
  /** SHA-256 of the leaf each lineage has now. */
  readonly leaves: () => readonly string[]
}

const leafOf = (pair: Pair) => createHash('sha256').update(new X509Certificate(pair.leaf).raw).digest('hex')

export async function openChurnGround(folder: string, count: number): Promise<ChurnGround> {
  const [root, home] = [join(folder, 'le'), join(folder, 'acme')]
  const nameOf = (i: number) => `host${i}.example.com`
  const isCertbot = (i: number) => i % 2 === 0
  const current: string[] = []
  const fresh = async (i: number) => {
    const pair = await issue({ names: [nameOf(i)] })
    current[i] = leafOf(pair)
    return pair
  }
  for (let i = 0; i < count; i++) {
    await all(
      isCertbot(i)
        ? certbotIssue(root, nameOf(i), await fresh(i))
        : acmeIssue(home, nameOf(i), await fresh(i)),
    )
  }
  return {
    count,
    leaves: () => current,
    renew: async i => {
      const pair = await fresh(i)
      await all(
        isCertbot(i)
          ? certbotRenew(root, nameOf(i), pair)
          : acmeRenew(home, nameOf(i), pair, { rotateKey: true }),
      )
    },
    takeAway: async i => {
      const path = isCertbot(i) ? join(root, 'live', nameOf(i)) : join(home, `${nameOf(i)}_ecc`)
      const away = join(folder, `away-${i}`)
      await rename(path, away)
      return () => rename(away, path)
    },
  }
}
