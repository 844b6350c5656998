/** Lineages to carry: planted once for a file, for issuing takes longer than carrying. */
import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { issue, type Pair } from '../../fixtures/certificates.ts'
import { all, certbotIssue } from '../../fixtures/producers.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'

export interface Forest {
  /** What --source takes. */
  readonly source: string
  readonly root: string
  readonly names: readonly string[]
  /** SHA-256 over the DER of each leaf, as the emulator tells certificates apart. */
  readonly leaves: readonly string[]
  readonly keys: readonly string[]
}

export const leafOf = ({ leaf }: Pair) =>
  createHash('sha256').update(new X509Certificate(leaf).raw).digest('hex')

export async function plant(count: number): Promise<Forest> {
  const root = join(await temporaryDirectory(), 'letsencrypt')
  const names = Array.from({ length: count }, (_, i) => `host${i}.example`)
  const pairs: Pair[] = []
  for (const name of names) {
    const pair = await issue({ names: [name] })
    await all(certbotIssue(root, name, pair))
    pairs.push(pair)
  }
  return {
    source: `certbot=${root}`,
    root,
    names,
    leaves: pairs.map(leafOf),
    keys: pairs.map(({ key }) => key),
  }
}
