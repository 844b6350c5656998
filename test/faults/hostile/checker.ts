/** Checks what becomes of each input: an error or a result that names the file, in time, and without a line of a key. */
import { cpuUsage, memoryUsage, stdout } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { expect } from 'vitest'
import { Fault } from '../../../src/errors.ts'
import { reportRow, SEED } from '../run.ts'

/** Processor time, which does not depend on what else the machine does. In milliseconds. */
const LONGEST = 2_000
/** What a suite may keep in memory after all its inputs, in bytes. */
const MOST_KEPT = 32 << 20

interface Input {
  readonly name: string
  /** One of these has to be in the message. */
  readonly files: readonly string[]
  /** Texts whose long lines must not be in the output. */
  readonly keys?: readonly string[]
}

/** The output of another process, and its processor time. */
interface ProcessOutput {
  readonly output: string
  readonly ms: number
}

export interface Checker {
  /** Does the work, which returns the output or throws a fault, and counts. */
  readonly check: (input: Input, work: () => unknown) => Promise<Fault | undefined>
  /** Counts an input that was wrongly accepted. */
  readonly acceptedWrongly: (what: string) => void
  readonly report: (fault: string, how: string) => void
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

export function openChecker(): Checker {
  const [unclear, wrong, leaked]: [string[], string[], string[]] = [[], [], []]
  const slowest = { ms: 0, name: '' }
  const watchdog = startWatchdog()
  let inputs = 0
  let kept: number | undefined

  const fail = (input: Input, reason: string) => unclear.push(`${input.name} (seed ${SEED}): ${reason}`)
  const checkOutput = (input: Input, output: string) => {
    if (UNPRINTABLE.test(output.replaceAll('\n', '')))
      fail(input, `unprintable: ${JSON.stringify(output.slice(0, 300))}`)
    for (const line of (input.keys ?? []).flatMap(longLinesOf))
      if (output.includes(line)) leaked.push(input.name)
  }
  const checkError = (input: Input, error: unknown): Fault | undefined => {
    checkOutput(input, error instanceof Error ? error.message : String(error))
    if (!(error instanceof Fault) || error.code === 'INTERNAL_ERROR') {
      fail(input, `not a fault: ${String(error).slice(0, 1_000)}`)
      return undefined
    }
    if (!input.files.some(file => error.message.includes(file))) fail(input, `no file: ${error.message}`)
    if (error.message.includes('\n') || error.advice === '') fail(input, `not one line: ${error.message}`)
    return error
  }
  return {
    check: async (input, work) => {
      watchdog.begin(`${input.name} (seed ${SEED})`)
      inputs += 1
      if (inputs === 500) kept = usedMemory()
      const started = cpuUsage()
      let fault: Fault | undefined
      let elsewhere: number | undefined
      try {
        const result = await work()
        if (isProcessOutput(result)) elsewhere = result.ms
        checkOutput(input, isProcessOutput(result) ? result.output : String(result ?? ''))
      } catch (error) {
        fault = checkError(input, error)
      }
      const { user, system } = cpuUsage(started)
      const ms = elsewhere ?? Math.round((user + system) / 1000)
      if (ms > slowest.ms) Object.assign(slowest, { ms, name: input.name })
      if (ms > LONGEST) fail(input, `took ${ms} ms`)
      return fault
    },
    acceptedWrongly: what => void wrong.push(`${what} (seed ${SEED})`),
    report: (fault, how) => {
      watchdog.end()
      const grown = kept === undefined ? 0 : usedMemory() - kept
      stdout.write(
        `${inputs} inputs, slowest ${slowest.ms} ms (${slowest.name}), ${(grown / 2 ** 20).toFixed(1)} MiB kept\n`,
      )
      expect(unclear.slice(0, 5)).toEqual([])
      expect(wrong.slice(0, 5)).toEqual([])
      expect(grown).toBeLessThan(MOST_KEPT)
      const counts = { lost: unclear.length, duplicated: wrong.length, leaked: leaked.length }
      reportRow({ fault, how: `${how}; slowest ${slowest.ms} ms`, runs: inputs, ...counts })
    },
  }
}

const isProcessOutput = (result: unknown): result is ProcessOutput =>
  typeof result === 'object' && result !== null && 'ms' in result

/** Long enough to be part of a key and not of a name. */
const longLinesOf = (text: string) =>
  text.split(/[\r\n]+/).filter(line => line.length >= 24 && !line.startsWith('---'))

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function usedMemory(): number {
  collectGarbage()
  const { heapUsed, external } = memoryUsage()
  return heapUsed + external
}

/** Ends a run that hangs, and names the input: synchronous work cannot be stopped from within its own thread. */
function startWatchdog() {
  const script = `
    const { parentPort } = require('node:worker_threads')
    let timer
    parentPort.on('message', name => {
      clearTimeout(timer)
      if (name === null) return parentPort.close()
      timer = setTimeout(() => {
        process._rawDebug('no result within a minute: ' + name)
        process.kill(process.pid, 'SIGKILL')
      }, 60_000)
    })`
  const worker = new Worker(script, { eval: true })
  worker.unref()
  let sentAt = 0
  return {
    // a few times a second: a message costs as much as a small input
    begin: (name: string) => {
      if (Date.now() - sentAt < 200) return
      sentAt = Date.now()
      worker.postMessage(name)
    },
    end: () => worker.postMessage(null),
  }
}
