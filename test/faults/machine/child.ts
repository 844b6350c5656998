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
  readonly said: () => string
  readonly ended: Promise<Ended>
}

type Environment = Readonly<Record<string, string>>

/** The built program. */
export const PROGRAM = [execPath, MAIN] as const

/** Longer than anything here takes on a busy machine: what hangs is killed, and shows it. In milliseconds. */
const PATIENCE = 100_000

export function start([file = '', ...args]: readonly string[], env: Environment): Started {
  const said = { stdout: '', stderr: '' }
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  })
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  // neither a test that fails nor a run that is broken off leaves anybody behind
  const stop = () => child.kill('SIGKILL')
  onTestFinished(() => void stop())
  process.once('exit', stop)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...said }))
  }).finally(() => process.off('exit', stop))
  return { child, said: () => said.stdout + said.stderr, ended }
}

export const ended = (words: readonly string[], env: Environment): Promise<Ended> => start(words, env).ended
