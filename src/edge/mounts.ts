/** What is mounted where. */
import { readFile } from 'node:fs/promises'

export interface Mount {
  readonly place: string
  /** Unlike that of any other mount that is there at the same time. */
  readonly id: string
}

/** What is mounted in one of these folders, or on it. None where the kernel does not tell. */
export async function mountsIn(folders: readonly string[]): Promise<readonly Mount[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return table.split('\n').flatMap(line => {
    const [id = '', , device = '', , written = ''] = line.split(' ')
    const place = written.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
    const isIn = folders.some(folder => place === folder || place.startsWith(`${folder.replace(/\/$/, '')}/`))
    return isIn ? [{ place, id: `${id} ${device}` }] : []
  })
}
