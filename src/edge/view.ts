/** What of a source is watched: which folders, how deep, and whose a path in them is. */
import { realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { LAYOUTS } from '../core/lineage.ts'
import type { Source } from '../core/settings.ts'

export interface View {
  readonly folders: readonly string[]
  readonly depth: number
  /** The lineage a path belongs to, undefined for the source as a whole. */
  readonly nameIn: (path: string) => string | undefined
}

/**
 * Folders, never single files: a link that is swapped makes no event of its own where the link itself is watched. Folders
 * by their real names: links are not followed, and a folder reached by one would be watched as a link.
 */
export async function viewOf(source: Source): Promise<View> {
  if (source.kind !== 'pem') {
    const folder = await realOf(join(source.path, LAYOUTS[source.kind].folder))
    return { folders: [folder], depth: 1, nameIn: path => firstBelow(folder, path) }
  }
  const files = [source.chain, ...(source.key === undefined ? [] : [source.key])]
  const near = files.map(file => realOf(dirname(file)))
  const far = files.map(async file => dirname(await realOf(file)))
  const folders = new Set(await Promise.all([...near, ...far]))
  return { folders: [...folders], depth: 0, nameIn: () => source.name }
}

const realOf = (path: string) => realpath(path).catch(() => path)

/** A folder that is not there yet is awaited in those above it: what happens there is nobody's in particular. */
function firstBelow(folder: string, path: string): string | undefined {
  const [name = ''] = relative(folder, path).split(sep)
  return name === '' || name === '..' ? undefined : name
}

/** Changes when one of the folders is another than before: moved away, restored, mounted over, reached by another link. */
export const identityOf = async ({ folders }: View): Promise<string> => {
  const parts = folders.map(folder =>
    stat(folder).then(
      ({ dev, ino }) => `${folder} ${dev}:${ino}`,
      () => `${folder} none`,
    ),
  )
  return (await Promise.all(parts)).join('\n')
}
