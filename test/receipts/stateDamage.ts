/** What may stand where the database should, and a disk that takes not one byte more. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { execPath } from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'

async function socket(file: string): Promise<void> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(file, resolve))
  onTestFinished(() => void server.close())
}

function foreign(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

export const damages: ReadonlyArray<readonly [what: string, make: (file: string) => Promise<unknown>]> = [
  [
    'an empty file',
    async file => {
      await writeFile(file, '')
      await utimes(file, 1, 1)
    },
  ],
  ['a file of zeros, as a power cut leaves it', file => writeFile(file, Buffer.alloc(512))],
  ['text', file => writeFile(file, '{"version":1}')],
  ["another program's database", async file => foreign(file, 'CREATE TABLE t (a)')],
  [
    'a database of ours that lacks a table',
    async file =>
      foreign(file, 'CREATE TABLE t (a); PRAGMA application_id = 1667658361; PRAGMA user_version = 1'),
  ],
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
import { openReceiptStore } from '${new URL('../../src/receipts/store.ts', import.meta.url)}'
const receipts = openReceiptStore(process.env.DIR, () => {}, () => new Date())
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
