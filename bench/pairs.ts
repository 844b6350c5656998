/** Programs run in turns, A B A B, so that what disturbs the machine disturbs all of them; and what is made of it. */
import type { Usage } from './process.ts'

export type Samples = readonly Usage[]

/** One round after another, each with everybody once; the first round only warms the caches. */
export async function inTurns<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<Usage>>>,
): Promise<Readonly<Record<Name, Samples>>> {
  const names = Object.keys(contenders) as Name[]
  const samples = Object.fromEntries(names.map(name => [name, [] as Usage[]])) as Record<Name, Usage[]>
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const usage = await contenders[name]()
      if (round > 0) samples[name].push(usage)
    }
  }
  return samples
}

/** The value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]]
  return (low + high) / 2
}

/** A median with the interval that holds the true one nineteen times in twenty. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** By order statistics: how often a coin falls bounds the ranks, whatever the values are distributed like. */
export function estimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((a, b) => a - b)
  const reach = 0.98 * Math.sqrt(sorted.length)
  const at = (rank: number) => sorted[Math.max(0, Math.min(sorted.length - 1, rank))] ?? Number.NaN
  const half = (sorted.length - 1) / 2
  return { value: median(values), low: at(Math.floor(half - reach)), high: at(Math.ceil(half + reach)) }
}

/** The median of the ratios of those that ran side by side. */
export const ratio = (ours: Samples, peers: Samples, of: keyof Usage): Estimate =>
  estimate(ours.map((usage, i) => usage[of] / (peers[i]?.[of] ?? Number.NaN)))

export const typical = (samples: Samples, of: keyof Usage): number => median(samples.map(usage => usage[of]))
