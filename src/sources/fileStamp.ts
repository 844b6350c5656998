/** What a file that was read is known by for as long as nobody writes it: whoever finds it so need not read it again. */
import { type BigIntStats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isWorldAccessible } from '../files/permissions.ts'
import type { FileStat } from '../files/readFile.ts'
import type { Lineage } from './lineage.ts'

/** Of a lineage's files; null where a CA certificate has no key. */
export interface FileStamps {
  readonly chain: string
  readonly key: string | null
}

/** ctime, for nothing sets it back: a file that is copied, touched or moved here has another. */
export const stampOf = ({ dev, ino, size, ctimeNs }: FileStat): string => `${dev}:${ino}:${size}:${ctimeNs}`

const MS = 1_000_000n

/** Linux counts a file's times in ticks of 10 ms at the most. In milliseconds. */
const TICK = 20

/** FAT keeps two seconds, ext3 and some network file systems one: of their times the small digits are zeros. */
const COARSEST_CLOCK_NS = 2_500

/**
 * Whether every write from now on must change the mark. One in the same tick as the last would not, so what was written just
 * now is not known by its mark yet; nor is what was written in the future, by a clock that has been set back since.
 */
export function isReliable({ ctimeNs }: Pick<FileStat, 'ctimeNs'>, now: number): boolean {
  const age = now - Number(ctimeNs / MS)
  return age >= (ctimeNs % MS === 0n ? COARSEST_CLOCK_NS : TICK)
}

export const isEqual = (one: FileStamps | undefined, other: FileStamps | undefined): boolean =>
  one !== undefined && one.chain === other?.chain && one.key === other.key

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

/** Undefined where they must be read: one of them is not there, or others may read the key, which is said again. */
export function stampsOf({ chain, key }: Pick<Lineage, 'chain' | 'key'>): FileStamps | undefined {
  const standing = statFile(chain)
  if (!standing) return undefined
  if (key === undefined) return { chain: stampOf(standing), key: null }
  const ofKey = key === chain ? standing : statFile(key)
  if (!ofKey || isWorldAccessible(Number(ofKey.mode))) return undefined
  return { chain: stampOf(standing), key: stampOf(ofKey) }
}

/** Whatever is wrong with it, who reads it will say. */
function statFile(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
