/** The directories of certbot and acme.sh, written in the same order as those programs do. */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Issued } from './certificates.ts'

const KINDS = ['cert', 'privkey', 'chain', 'fullchain'] as const

interface CertbotTree {
  /** Writes a generation into archive/. */
  readonly store: (issued: Issued) => Promise<void>
  /** Moves one link of live/ to the last generation: unlink, then symlink, as certbot does. */
  readonly move: (kind: (typeof KINDS)[number]) => Promise<void>
  readonly moveAll: () => Promise<void>
}

export async function certbotTree(root: string, lineage: string): Promise<CertbotTree> {
  const archive = join(root, 'archive', lineage)
  const live = join(root, 'live', lineage)
  let generation = 0
  for (const folder of [archive, live]) await mkdir(folder, { recursive: true, mode: 0o700 })

  const move = async (kind: (typeof KINDS)[number]) => {
    const link = join(live, `${kind}.pem`)
    await rm(link, { force: true })
    await symlink(join('..', '..', 'archive', lineage, `${kind}${generation}.pem`), link)
  }
  return {
    store: async ({ leaf, issuer, key }) => {
      generation += 1
      const texts = { cert: leaf, privkey: key, chain: issuer, fullchain: leaf + issuer }
      for (const kind of ['privkey', 'cert', 'chain', 'fullchain'] as const) {
        await writeFile(join(archive, `${kind}${generation}.pem`), texts[kind], {
          mode: kind === 'privkey' ? 0o600 : 0o644,
        })
      }
    },
    move,
    moveAll: async () => {
      for (const kind of KINDS) await move(kind)
    },
  }
}

/** acme.sh truncates its files and writes them again in place. */
export async function writeAcmeTree(
  home: string,
  domain: string,
  { leaf, issuer, key }: Issued,
): Promise<void> {
  const folder = join(home, `${domain}_ecc`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, `${domain}.key`), key, { mode: 0o600 })
  await writeFile(join(folder, `${domain}.cer`), leaf)
  await writeFile(join(folder, 'fullchain.cer'), leaf + issuer)
  await writeFile(join(folder, 'ca.cer'), issuer)
}
