/** Writes a file whole or not at all, and sweeps up after writers that died. */
import { randomBytes } from 'node:crypto'
import { constants, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

const LEFTOVER = /^\..+\.[0-9a-f]{12}\.tmp$/
/** No write takes this long: a temporary file of this age belongs to a process that is gone. In milliseconds. */
const ABANDONED = 3_600_000

const temporaryName = (name: string) => `.${name}.${randomBytes(6).toString('hex')}.tmp`

export async function writeWhole(dir: string, name: string, text: string): Promise<void> {
  const temporary = join(dir, temporaryName(name))
  try {
    // synced before the rename, or a power cut may leave the new name pointing at nothing
    await writeSynced(temporary, text)
    await rename(temporary, join(dir, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const folder = await open(dir, constants.O_RDONLY)
  await folder.sync().finally(() => folder.close())
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Removes what processes left behind that died while writing. What cannot be removed is in nobody's way. */
export async function sweep(dir: string, now: () => Date): Promise<void> {
  const leftovers = (await readdir(dir)).filter(name => LEFTOVER.test(name)).map(name => join(dir, name))
  const abandoned = async (file: string) =>
    now().getTime() - (await lstat(file)).mtimeMs > ABANDONED && (await rm(file, { force: true }))
  await Promise.allSettled(leftovers.map(abandoned))
}
