/** A folder with a pair in it, and account files beside it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { old } from './cloud.ts'

export async function openAccountFile() {
  const folder = await temporaryDirectory()
  await writeFile(join(folder, 'chain.pem'), old.chain)
  await writeFile(join(folder, 'key.pem'), old.key)
  return {
    folder,
    /** An object as JSON, a text as it is; answers with the path. */
    write: async (content: unknown) => {
      const path = join(folder, 'account.json')
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
  }
}
