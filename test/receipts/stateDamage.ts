/** What may stand where a receipt should, and a disk that takes not one byte more. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { execPath } from 'node:process'
import { onTestFinished } from 'vitest'
import { serializeReceipt } from '../../src/receipts/codec.ts'
import { emptyReceipt } from '../../src/receipts/receipt.ts'

async function socket(file: string): Promise<void> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(file, resolve))
  onTestFinished(() => void server.close())
}

export const damages: ReadonlyArray<readonly [what: string, make: (file: string) => Promise<unknown>]> = [
  ['an empty file', file => writeFile(file, '')],
  [
    'a file cut off',
    file => writeFile(file, serializeReceipt(emptyReceipt('certbot:example.com')).slice(0, 40)),
  ],
  ['a file of zeros, as a power cut leaves it', file => writeFile(file, Buffer.alloc(512))],
  ["another lineage's receipt", file => writeFile(file, serializeReceipt(emptyReceipt('pem:other')))],
  ['a receipt of a later version', file => writeFile(file, '{"version":2,"lineage":"certbot:example.com"}')],
  ['a link', file => symlink('/etc/hostname', file)],
  ['a link that leads nowhere', file => symlink('/nowhere', file)],
  ['a directory', file => mkdir(file)],
  ['a FIFO', async file => execFileSync('mkfifo', [file])],
  ['a socket', socket],
  [
    'a file of a terabyte',
    async file => {
      await writeFile(file, '')
      await truncate(file, 2 ** 40)
    },
  ],
]

const SCRIPT = `
import { openReceipts } from '${new URL('../../src/receipts/store.ts', import.meta.url)}'
const receipts = openReceipts(process.env.DIR, () => {}, () => new Date())
await receipts.prepare().catch(({ code, message }) => console.log(JSON.stringify({ code, message })))
`

/** Prepares a directory in a process whose files may not grow: the nearest thing to a full disk that needs no root. */
export function prepareOnFullDisk(dir: string): unknown {
  const line = `ulimit -f 0; exec "$0" --input-type=module-typescript --eval "$SCRIPT"`
  const { stdout, stderr } = spawnSync('sh', ['-c', line, execPath], {
    env: { SCRIPT, DIR: dir },
    encoding: 'utf8',
  })
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout)
}
