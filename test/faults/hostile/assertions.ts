/** Holds what becomes of each input to the promise: a verdict that names the file, in time, and nothing of a key in it. */
import { cpuUsage, memoryUsage, stdout } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'vitest'
import { Fault } from '../../../src/errors.ts'
import { promised, SEED } from '../run.ts'
import { openWatchdog } from './watchdog.ts'

/** Of the processor, not of the clock: who shares the machine is no business of the file's. In milliseconds. */
const LONGEST = 2_000
/** What may stay in memory after all inputs of a suite, in bytes: what came once is forgotten. */
const MOST_KEPT = 32 << 20

export interface Input {
  readonly name: string
  /** One of these has to stand in the verdict. */
  readonly files: readonly string[]
  /** Texts whose long lines must not show. */
  readonly keys?: readonly string[]
}

export interface Judge {
  /**
   * Does the work, which returns what was said where all is well, and counts. A fault it throws is a verdict. Work that
   * another process did says how long that took.
   */
  readonly hear: (input: Input, work: () => unknown) => Promise<Fault | undefined>
  /** Counts an input that was taken for what it is not. */
  readonly wronglyTaken: (what: string) => void
  /** Prints the row and holds it to its promise. */
  readonly close: (fault: string, how: string) => void
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

export function openJudge(): Judge {
  const [unclear, wrong, leaked]: [string[], string[], string[]] = [[], [], []]
  const slowest = { ms: 0, name: '' }
  const watchdog = openWatchdog()
  let inputs = 0
  let kept: number | undefined

  const complain = (input: Input, why: string) => unclear.push(`${input.name} (seed ${SEED}): ${why}`)
  const read = (input: Input, said: string) => {
    if (UNPRINTABLE.test(said.replaceAll('\n', '')))
      complain(input, `raw: ${JSON.stringify(said.slice(0, 300))}`)
    for (const line of (input.keys ?? []).flatMap(linesOf)) if (said.includes(line)) leaked.push(input.name)
  }
  const isClear = (input: Input, error: unknown): error is Fault => {
    if (error instanceof Fault && error.code !== 'INTERNAL_ERROR') {
      if (!input.files.some(file => error.message.includes(file)))
        complain(input, `unnamed: ${error.message}`)
      if (error.message.includes('\n') || error.advice === '')
        complain(input, `no one line: ${error.message}`)
      return true
    }
    complain(input, `no fault: ${String(error).slice(0, 1_000)}`)
    return false
  }
  return {
    hear: async (input, work) => {
      watchdog.watch(`${input.name} (seed ${SEED})`)
      inputs += 1
      if (inputs === 500) kept = inMemory()
      const started = cpuUsage()
      let fault: Fault | undefined
      let elsewhere: number | undefined
      try {
        const said = await work()
        if (isElsewhere(said)) elsewhere = said.ms
        read(input, isElsewhere(said) ? said.said : String(said ?? ''))
      } catch (error) {
        if (isClear(input, error)) fault = error
        read(input, error instanceof Error ? error.message : String(error))
      }
      const { user, system } = cpuUsage(started)
      const ms = elsewhere ?? Math.round((user + system) / 1000)
      if (ms > slowest.ms) Object.assign(slowest, { ms, name: input.name })
      if (ms > LONGEST) complain(input, `took ${ms} ms`)
      return fault
    },
    wronglyTaken: what => void wrong.push(`${what} (seed ${SEED})`),
    close: (fault, how) => {
      watchdog.end()
      const grown = kept === undefined ? 0 : inMemory() - kept
      stdout.write(
        `${inputs} inputs, slowest ${slowest.ms} ms (${slowest.name}), ${(grown / 2 ** 20).toFixed(1)} MiB kept\n`,
      )
      expect(unclear.slice(0, 5)).toEqual([])
      expect(wrong.slice(0, 5)).toEqual([])
      expect(grown).toBeLessThan(MOST_KEPT)
      const counts = { lost: unclear.length, duplicated: wrong.length, leaked: leaked.length }
      promised({ fault, how: `${how}; slowest ${slowest.ms} ms`, runs: inputs, ...counts })
    },
  }
}

interface Elsewhere {
  readonly said: string
  readonly ms: number
}

const isElsewhere = (said: unknown): said is Elsewhere =>
  typeof said === 'object' && said !== null && 'ms' in said

/** Long enough to be of a key, and not of a name. */
const linesOf = (text: string) =>
  text.split(/[\r\n]+/).filter(line => line.length >= 24 && !line.startsWith('---'))

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function inMemory(): number {
  collect()
  const { heapUsed, external } = memoryUsage()
  return heapUsed + external
}
