/** A chain and a key on disk, of the age a test wishes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveSettings } from '../../src/config/settings.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { readPair } from '../../src/sources/readPair.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const { forLineage } = resolveSettings({}, {}, {})

export interface Wishes {
  readonly kind?: Lineage['kind']
  /** Milliseconds since the files were written, as the clock says. */
  readonly age?: number
  readonly passwordFile?: string
  /** A file server gave the files their times. */
  readonly elsewhere?: boolean
  /** What somebody does to the files between the two looks. */
  readonly meanwhile?: (folder: string) => Promise<void>
}

export async function stage({
  kind = 'certbot',
  age = 90_000,
  passwordFile,
  elsewhere = false,
  meanwhile,
}: Wishes = {}) {
  const folder = await temporaryDirectory()
  const waits: number[] = []
  const { upload, deploy } = forLineage('any', 'any', {})
  const lineage: Lineage = {
    id: `${kind}:x`,
    name: 'x',
    kind,
    chain: join(folder, 'chain.pem'),
    key: join(folder, 'key.pem'),
    upload: { ...upload, keyPasswordFile: passwordFile },
    deploy,
  }
  const written = Date.now()
  const read = (changes: Partial<Lineage> = {}) =>
    readPair(
      { ...lineage, ...changes },
      {
        now: () => new Date(written + age),
        timedElsewhere: () => elsewhere,
        wait: async ms => {
          waits.push(ms)
          await meanwhile?.(folder)
        },
      },
    )
  const put = (name: string, text: string) => writeFile(join(folder, name), text)
  await put('chain.pem', 'the chain')
  await put('key.pem', 'the key')
  return { folder, lineage, read, put, waits }
}
