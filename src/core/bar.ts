/** Shares as bars of plain ASCII: they read the same without colours, in a log and under LANG=C. Pure. */

const drawn = (filled: number, cells: number) => '#'.repeat(filled) + '.'.repeat(cells - filled)

const within = (share: number) => Math.min(1, Math.max(0, share))

/** What is left, rounded up: the bar is empty only when nothing is. */
export const bar = (share: number, cells: number): string => drawn(Math.ceil(within(share) * cells), cells)

/** What is done, rounded down: the bar is full only when everything is. */
export const progressBar = (share: number, cells: number): string =>
  drawn(Math.floor(within(share) * cells), cells)
