/** What was measured for a row, and whether that is what was to be reached. Pure. */
import type { Row } from './catalogue.ts'
import type { Estimate } from './pairs.ts'

export interface Figure extends Partial<Pick<Estimate, 'low' | 'high'>> {
  readonly id: string
  readonly value: number
  /** The figures it was made of, in words. */
  readonly says: string
}

export type Verdict = 'met' | 'short' | 'shown' | 'not measured'

const BOUND = /^([≤≥<]) ([\d.]+) /

export function verdictOf({ target }: Row, figure: Figure | undefined): Verdict {
  if (!figure || Number.isNaN(figure.value)) return 'not measured'
  // slower only where noise cannot be the reason
  if (target === 'not slower') return (figure.low ?? figure.value) <= 1 ? 'met' : 'short'
  const [, sign, bound] = BOUND.exec(target) ?? []
  if (!sign) return 'shown'
  return holds(sign, figure.value, Number(bound)) ? 'met' : 'short'
}

function holds(sign: string, value: number, bound: number): boolean {
  if (sign === '≥') return value >= bound
  return sign === '<' ? value < bound : value <= bound
}

export const unitOf = ({ target }: Row): string => (target === 'not slower' ? '×' : target.replace(BOUND, ''))

/** What was counted has none. */
function digits(value: number, counted: boolean): number {
  if (counted || Math.abs(value) >= 100) return 0
  return Math.abs(value) >= 10 ? 1 : 2
}

/** A figure as it is printed, with the interval where there is one. */
export function shown(row: Row, { value, low, high }: Figure): string {
  const text = (of: number) => of.toFixed(digits(value, Number.isInteger(value)))
  const interval = low !== undefined && high !== undefined ? ` (${text(low)} to ${text(high)})` : ''
  return `${text(value)} ${unitOf(row)}${interval}`
}
