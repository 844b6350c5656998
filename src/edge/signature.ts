/** What tells one state of a lineage's files from another without reading them. */
import { stat } from 'node:fs/promises'
import type { Lineage } from '../core/lineage.ts'

/** Equal signatures, equal files: inode, size and both times of chain and key, links followed. */
export async function pathStampsOf({ chain, key }: Pick<Lineage, 'chain' | 'key'>): Promise<string> {
  const parts = await Promise.all([chain, ...(key === undefined ? [] : [key])].map(one))
  return parts.join(' ')
}

const one = (path: string): Promise<string> =>
  stat(path).then(
    ({ dev, ino, size, mtimeMs, ctimeMs }) => [dev, ino, size, mtimeMs, ctimeMs].join(':'),
    ({ code }: NodeJS.ErrnoException) => code ?? 'unknown',
  )
