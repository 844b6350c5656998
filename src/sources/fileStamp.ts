/** Stamps of files: a file whose stamp is unchanged need not be read again. */
import { type Stats, statSync } from 'node:fs'
import { isWorldAccessible } from '../files/permissions.ts'
import type { FileStat } from '../files/readFile.ts'
import type { Lineage } from './lineage.ts'

/** Of a lineage's files; null where a CA certificate has no key. */
export interface FileStamps {
  readonly chain: string
  readonly key: string | null
}

/**
 * With ctime, which nothing sets back: a file that is copied, touched or moved here has another. To a quarter of a microsecond,
 * far less than the ticks in which it is counted; 64-bit integers take twice the time.
 */
export const stampOf = ({ dev, ino, size, ctimeMs }: FileStat): string => `${dev}:${ino}:${size}:${ctimeMs}`

/** Linux counts a file's times in ticks of 10 ms at most. */
const TICK_MS = 20

/** FAT keeps two seconds, ext3 and some network file systems one: of their times the small digits are zeros. */
const COARSEST_CLOCK_MS = 2_500

/**
 * Whether every later write must change the stamp. One in the same tick would not, so a file written just now has no
 * reliable stamp yet; nor has one written in the future, by a clock that has been set back since.
 */
export const isReliable = ({ ctimeMs }: Pick<FileStat, 'ctimeMs'>, now: number): boolean =>
  now - ctimeMs >= (Number.isInteger(ctimeMs) ? COARSEST_CLOCK_MS : TICK_MS)

export const isEqual = (one: FileStamps | undefined, other: FileStamps | undefined): boolean =>
  one !== undefined && one.chain === other?.chain && one.key === other.key

/** The stamps of chain and key with both times, links followed; an error's code for a file that cannot be examined. */
export const pathStampsOf = ({ chain, key }: Pick<Lineage, 'chain' | 'key'>): string =>
  (key === undefined ? [chain] : [chain, key]).map(pathStampOf).join(' ')

function pathStampOf(path: string): string {
  try {
    const stat = statSync(path)
    return `${stampOf(stat)}:${stat.mtimeMs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

/** Undefined where the files must be read: one is not there, or other users may read the key, which is warned of again. */
export function stampsOf({ chain, key }: Pick<Lineage, 'chain' | 'key'>): FileStamps | undefined {
  const chainStat = statFile(chain)
  if (!chainStat) return undefined
  if (key === undefined) return { chain: stampOf(chainStat), key: null }
  const keyStat = key === chain ? chainStat : statFile(key)
  if (!keyStat || isWorldAccessible(keyStat.mode)) return undefined
  return { chain: stampOf(chainStat), key: stampOf(keyStat) }
}

/** Undefined for any error: reading the file reports it. */
function statFile(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
