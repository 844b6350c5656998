/** Lines through measured points. Pure. */

export type Point = readonly [x: number, y: number]

export interface Line {
  readonly slope: number
  readonly start: number
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Least squares. */
export function line(points: readonly Point[]): Line {
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const covariance = mean(points.map(([px, py]) => (px - x) * (py - y)))
  const slope = covariance / mean(points.map(([px]) => (px - x) ** 2))
  return { slope, start: y - slope * x }
}

/** The power of x with which y grows: 1 is a straight line, 2 a square. Points at or below zero have no logarithm. */
export const exponent = (points: readonly Point[]): number =>
  line(points.filter(([x, y]) => x > 0 && y > 0).map(([x, y]) => [Math.log(x), Math.log(y)])).slope
