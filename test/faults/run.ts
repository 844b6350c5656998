/** How long the fault suites run, their seed, and the row each leaves for docs/reliability.md. */
import { appendFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { cwd, env, stdout } from 'node:process'
import { expect } from 'vitest'

/** `FAULTS=long` is for the tables of docs/reliability.md; short runs are part of `npm test`. */
export const LONG = env.FAULTS === 'long'

/** `FAULT_SEED` repeats a run; vitest.config.ts makes one where it is absent. */
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
  /** Secrets found in output, in files, or sent elsewhere. */
  readonly leaked: number
}

/** Prints the row with its seed, keeps it for test/faults/table.ts where `FAULT_ROWS` names a file, and requires that nothing was lost, duplicated or leaked. */
export function reportRow(row: Row): void {
  const { fault, how, runs, lost, duplicated, leaked } = row
  if (env.FAULT_ROWS) {
    const suite = relative(cwd(), expect.getState().testPath ?? '')
    appendFileSync(env.FAULT_ROWS, `${JSON.stringify({ suite, ...row })}\n`)
  }
  stdout.write(`| ${fault} | ${how} | ${runs} | ${lost} | ${duplicated} | ${leaked} |  seed ${SEED}\n`)
  expect({ lost, duplicated, leaked }).toEqual({ lost: 0, duplicated: 0, leaked: 0 })
  expect(runs).toBeGreaterThan(0)
}

export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  concurrency = availableParallelism(),
): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
}

export const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** Some of them, in random order. */
export function sample<T>(items: readonly T[], count: number, random: () => number): readonly T[] {
  const rest = [...items]
  return Array.from({ length: Math.min(count, items.length) }, () =>
    rest.splice(Math.floor(random() * rest.length), 1),
  ).flat()
}
