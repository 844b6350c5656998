/** Many lineages of one client on disk, where three are too few. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issue, type Pair } from '../../fixtures/certificates.ts'
import { type Planted, plantedAs, type Trees } from './trees.ts'

export async function plantGrove(folder: string, count: number): Promise<Trees> {
  const root = join(folder, 'letsencrypt')
  const names = Array.from({ length: count }, (_, i) => `host${i}.example.com`)
  const live = (name: string) => join(root, 'live', name)
  const write = async (name: string, { chain, key }: Pair) => {
    await writeFile(join(live(name), 'privkey.pem'), key, { mode: 0o600 })
    await writeFile(join(live(name), 'fullchain.pem'), chain)
  }
  const plant = async (name: string) => {
    const pair = await issue({ names: [name] })
    await mkdir(live(name), { recursive: true })
    await write(name, pair)
    return plantedAs(`certbot:${name}`, pair)
  }
  const planted: Planted[] = []
  for (const name of names) planted.push(await plant(name))
  return {
    folder,
    sources: [`certbot=${root}`],
    planted: () => planted,
    renew: async index => {
      const name = names[index] ?? ''
      const pair = await issue({ names: [name] })
      planted[index] = plantedAs(`certbot:${name}`, pair)
      await write(name, pair)
    },
    live: live(names[0] ?? ''),
  }
}
