/** What a file that was read is known by for as long as nobody writes it: whoever finds it so need not read it again. Pure. */

/** Of a lineage's files; null where a CA certificate has no key. */
export interface FileStamps {
  readonly chain: string
  readonly key: string | null
}

/** As `stat` of node:fs has them with `bigint`. */
export interface FileStat {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly ctimeNs: bigint
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
