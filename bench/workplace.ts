/** One run of the bench: where it works, how large its measurements are, and what it has at hand. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPool, type Pool } from './pool.ts'

/** How much is measured. The rows' own numbers are those of `FULL`. */
export interface Sizes {
  readonly hookRounds: number
  readonly syncLineages: number
  readonly syncRounds: number
  readonly certificates: number
  readonly watched: readonly [small: number, large: number]
  /** Watched for the plot alone. */
  readonly watchedBetween: readonly number[]
  readonly starts: number
  /** Milliseconds in which an idle daemon is looked at. */
  readonly idle: number
  readonly renewals: number
  readonly latencyLineages: number
  readonly night: number
  readonly signatures: number
  readonly passes: readonly number[]
  readonly renewed: readonly number[]
}

export const FULL: Sizes = {
  hookRounds: 25,
  syncLineages: 10_000,
  syncRounds: 4,
  certificates: 1_000,
  watched: [1_000, 10_000],
  watchedBetween: [3_000],
  starts: 3,
  idle: 30_000,
  renewals: 100,
  latencyLineages: 1_000,
  night: 1_000,
  signatures: 2_000,
  passes: [1, 10, 100, 1_000, 10_000, 100_000],
  renewed: [0, 1, 10, 100, 1_000],
}

/** To see that everything runs; the figures say nothing. */
export const QUICK: Sizes = {
  hookRounds: 2,
  syncLineages: 100,
  syncRounds: 1,
  certificates: 100,
  watched: [20, 100],
  watchedBetween: [50],
  starts: 1,
  idle: 3_000,
  renewals: 3,
  latencyLineages: 20,
  night: 10,
  signatures: 100,
  passes: [1, 10, 100],
  renewed: [0, 1, 10],
}

/** Seconds. The whole run, once the programs are made, stays below ten minutes. */
const LONGEST = 580
/** tmpfs on every Linux. */
const MEMORY = '/dev/shm'

export interface Workplace {
  readonly sizes: Sizes
  readonly pool: Pool
  /** A name of its own in the run's folder; nothing is there yet. */
  readonly place: (name: string) => string
  /** The same where no disk is waited for, if the machine has such a place. */
  readonly placeInMemory: (name: string) => string
  /** Seconds until the run has taken as long as it may. */
  readonly left: () => number
  readonly say: (text: string) => void
  readonly plot: (name: string, svg: string) => void
  readonly close: () => void
}

export interface Outputs {
  readonly say: (text: string) => void
  readonly plot: (name: string, svg: string) => void
}

export function openWorkplace(sizes: Sizes, outputs: Outputs): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'certferry-bench-'))
  const inMemory = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, 'certferry-bench-')) : folder
  let places = 0
  const opened = performance.now()
  return {
    ...outputs,
    sizes,
    pool: openPool(),
    place: name => join(folder, `${name}-${++places}`),
    placeInMemory: name => join(inMemory, `${name}-${++places}`),
    left: () => LONGEST - (performance.now() - opened) / 1_000,
    close: () => {
      for (const one of [folder, inMemory]) rmSync(one, { recursive: true, force: true })
    },
  }
}
