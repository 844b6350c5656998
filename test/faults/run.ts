/** What every suite of faults shares: how long it runs, its seed, and the row it leaves for docs/reliability.md. */
import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { cwd, env, stdout } from 'node:process'
import { expect } from 'vitest'

/** `FAULTS=long` for the runs of the table in docs/reliability.md; short ones are part of `npm test`. */
export const LONG = env.FAULTS === 'long'

/** `FAULT_SEED` repeats a run; vitest.config.ts throws one where nobody gives it. */
export const SEED = Number(env.FAULT_SEED)

export const times = (short: number, long: number): number => (LONG ? long : short)

export interface Row {
  readonly fault: string
  /** How it is made. */
  readonly how: string
  readonly runs: number
  /** Certificates that did not arrive although they could have. */
  readonly lost: number
  /** Certificates stored more than once. */
  readonly duplicated: number
  /** Kept things found in what was said, written or handed on. */
  readonly leaked: number
}

/** Prints the row, with its seed, keeps it where `FAULT_ROWS` names a file for test/faults/table.ts, and holds it to its promise: nothing lost, nothing twice, nothing told. */
export function promised(row: Row): void {
  const { fault, how, runs, lost, duplicated, leaked } = row
  if (env.FAULT_ROWS) {
    const suite = relative(cwd(), expect.getState().testPath ?? '')
    appendFileSync(env.FAULT_ROWS, `${JSON.stringify({ suite, ...row })}\n`)
  }
  stdout.write(`| ${fault} | ${how} | ${runs} | ${lost} | ${duplicated} | ${leaked} |  seed ${SEED}\n`)
  expect({ lost, duplicated, leaked }).toEqual({ lost: 0, duplicated: 0, leaked: 0 })
  expect(runs).toBeGreaterThan(0)
}
