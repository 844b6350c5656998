/** Other programs: run to their end, or kept running until told to end. Never through a shell. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export type Environment = Readonly<Record<string, string>>

export interface Running {
  /** Everything it has said so far, on either stream. */
  readonly said: () => string
  readonly ended: () => boolean
  readonly pid: () => number
  readonly end: () => Promise<void>
}

/** Where ACME clients and servers are installed, and nothing of whoever runs the tests. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin'

/** Long enough for a slow machine, and less than a test is given: whoever hangs should be named. */
const PATIENCE = 100_000

/** A code other than 0 is an answer; not starting, or being killed, is an error. */
export function run(
  file: string,
  args: readonly string[],
  env: Environment,
  timeout = PATIENCE,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout, killSignal: 'SIGKILL', maxBuffer: 1 << 26 } as const
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const code = error ? error.code : 0
      if (typeof code === 'number') resolve({ code, stdout, stderr })
      else reject(new Error(`${file} ${args.join(' ')}: ${error?.message}\n${stderr}`, { cause: error }))
    })
    child.stdin?.end()
  })
}

export type Runner = typeof run

/** By its own process id, gently and then not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exited
  clearTimeout(late)
}

export function start(file: string, args: readonly string[], env: Environment): Running {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
  child.on('error', error => chunks.push(`${error.message}\n`))
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop) // a run that is broken off leaves nobody behind
  child.once('exit', () => process.off('exit', stop))
  return {
    said: () => chunks.join(''),
    pid: () => child.pid ?? 0,
    ended: () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined,
    end: () => (child.pid === undefined ? Promise.resolve() : end(child)),
  }
}
