/** Lengths of time as people say them. Pure. */

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const

/** In the largest unit that gives at least two, seconds else: `47 days`, `90 minutes`, `75 s`. */
export function durationText(seconds: number): string {
  for (const [size, unit] of UNITS) if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}s`
  return `${Math.round(seconds)} s`
}
