/** A process that a test starts and awaits, however it ends: by itself, by a signal, or not at all. */
import { type ChildProcess, spawn } from 'node:child_process'
import { execPath } from 'node:process'
import { onTestFinished } from 'vitest'
import { MAIN } from '../../e2e/program.ts'

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  /** Everything on either stream so far. */
  readonly output: () => string
  readonly ended: Promise<Ended>
}

type Environment = Readonly<Record<string, string>>

/** The built program. */
export const PROGRAM = [execPath, MAIN] as const

/** What hangs is killed: far longer than anything here takes on a busy machine. */
const TIMEOUT_MS = 100_000

export function start([file = '', ...args]: readonly string[], env: Environment): Started {
  const text = { stdout: '', stderr: '' }
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (part: string) => {
      text[name] += part
    })
  const stop = () => child.kill('SIGKILL')
  onTestFinished(() => void stop())
  process.once('exit', stop)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...text }))
  }).finally(() => process.off('exit', stop))
  return { child, output: () => text.stdout + text.stderr, ended }
}

export const run = (words: readonly string[], env: Environment): Promise<Ended> => start(words, env).ended
