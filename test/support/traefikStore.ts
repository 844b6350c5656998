/** Traefik's acme.json, as its source has it (pkg/provider/acme, versions 2 and 3): written anew in place each time. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Pair } from './certificates.ts'
import { filling, type Step, step } from './steps.ts'

export interface Entry {
  readonly domains: readonly [main: string, ...sans: string[]]
  readonly pair: Pick<Pair, 'chain' | 'key'>
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

const entryOf = ({ domains: [main, ...sans], pair: { chain, key } }: Entry) => ({
  domain: { main, ...(sans.length && { sans }) },
  certificate: base64(chain),
  key: base64(key),
  Store: 'default',
})

/** What Go's MarshalIndent makes of it. */
export const storeText = (resolvers: Readonly<Record<string, readonly Entry[]>>): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(resolvers).map(([name, entries]) => [
        name,
        {
          Account: { Email: 'somebody@example.com', PrivateKey: base64('an account key'), KeyType: '4096' },
          Certificates: entries.length ? entries.map(entryOf) : null,
        },
      ]),
    ),
    undefined,
    2,
  )

/** As the operator makes it: Traefik refuses a file that others may read. */
export const touched = (path: string): Step =>
  step('touch', async () => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, '', { mode: 0o600 })
    await chmod(path, 0o600)
  })

/** os.WriteFile: emptied first, then written. */
export const rewritten = (path: string, text: string): readonly Step[] => [
  step('empty', () => writeFile(path, '')),
  filling('write', { path: () => path, text: () => text }),
]
