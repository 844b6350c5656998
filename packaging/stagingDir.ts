/** A temporary directory in which a package is put together. */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Staging {
  readonly folder: string
  readonly write: (path: string, text: string | Uint8Array, mode?: number) => Promise<void>
  readonly writeAll: (below: string, files: ReadonlyMap<string, string>) => Promise<void>
  readonly copy: (from: string, path: string, mode: number) => Promise<void>
  readonly makeFolder: (path: string) => Promise<void>
}

/** Modes do not depend on the umask, so that two builds are the same. */
export async function inStagingDir<T>(work: (staging: Staging) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'certferry-package-'))
  const place = async (path: string) => {
    const whole = join(folder, path)
    for (const parent of parentsOf(path)) {
      await mkdir(join(folder, parent), { recursive: true })
      await chmod(join(folder, parent), 0o755)
    }
    return whole
  }
  const write: Staging['write'] = async (path, text, mode = 0o644) => {
    const whole = await place(path)
    await writeFile(whole, text)
    await chmod(whole, mode)
  }
  try {
    await chmod(folder, 0o755)
    return await work({
      folder,
      write,
      writeAll: async (below, files) => {
        for (const [path, text] of files) await write(join(below, path), text)
      },
      copy: async (from, path, mode) => {
        const whole = await place(path)
        await copyFile(from, whole)
        await chmod(whole, mode)
      },
      makeFolder: async path => {
        await place(join(path, 'file'))
      },
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `a/b/c` → a, a/b. */
const parentsOf = (path: string): readonly string[] => {
  const parent = dirname(path)
  return parent === '.' ? [] : [...parentsOf(parent), parent]
}
