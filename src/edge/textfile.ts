/** The textfile that node_exporter collects: read whole before a run, replaced whole after it. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readTextFile } from './fileText.ts'

/** node_exporter runs as another user; nothing in the file is secret. */
const MODE = 0o644

/** Thirty thousand lineages; in bytes. */
const LARGEST = 16 << 20

/** The text that the run before left; empty where there is none to read. */
export const readTextfile = (path: string): Promise<string> =>
  readTextFile(path, { most: LARGEST }).then(
    ({ text }) => text,
    () => '',
  )

export async function writeTextfile(path: string, text: string): Promise<void> {
  // in the same folder, or the rename would not be one step; not *.prom, or node_exporter would collect it half-written
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeReadable(temporary, text)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeReadable(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', MODE)
  try {
    await file.chmod(MODE) // a umask of 077 is usual where private keys are handled
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}
