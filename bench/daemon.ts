/** A daemon beside the bench: when it is ready, what it takes from the processor and of memory, and its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { BARE, type Environment } from './process.ts'
import type { Program } from './programs.ts'

export interface Daemon {
  /** Milliseconds from its start until it said so. */
  readonly readyAfter: number
  /** Milliseconds of the processor since its start. */
  readonly processor: () => number
  /** MiB resident now. */
  readonly memory: () => number
  readonly watches: () => number
  readonly end: () => Promise<void>
}

/** In milliseconds: more than ten times what the slowest row is given. */
const PATIENCE = 150_000

/** Resolves when it has printed `ready`; rejects when it ends before. */
export async function startDaemon(program: Program, ready: string, env: Environment = {}): Promise<Daemon> {
  const [file = '', ...words] = program
  const start = performance.now()
  const child = spawn(file, words, { env: { ...BARE, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop) // a run that is broken off leaves nobody behind
  child.once('exit', () => process.off('exit', stop))
  await saying(child, ready)
  const proc = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')
  return {
    readyAfter: performance.now() - start,
    processor: () => processorIn(proc('stat')),
    memory: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(proc('status'))?.[1]) / 1024,
    watches: () => watchesOf(child),
    end: () => end(child),
  }
}

async function saying(child: ChildProcess, ready: string): Promise<void> {
  let said = ''
  const heard = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      // later lines are nobody's business, and must not pile up
      if (!said.includes(ready)) said += text
      if (said.includes(ready)) heard.resolve()
    })
  const ended = () => heard.reject(new Error(`the daemon ended before it was ready:\n${said}`))
  child.once('exit', ended)
  const late = new AbortController()
  const tooLate = setTimeout(PATIENCE, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error(`the daemon is not ready:\n${said}`)),
    () => undefined,
  )
  await Promise.race([heard.promise, tooLate.then(() => heard.promise)])
  late.abort()
  child.off('exit', ended)
}

/** Clock ticks, of which Linux shows a hundred a second on every machine; the name before them may hold anything. */
function processorIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function watchesOf({ pid }: ChildProcess): number {
  const folder = `/proc/${pid}/fdinfo`
  const texts = readdirSync(folder).map(name => textOf(`${folder}/${name}`))
  return texts.join('\n').match(/^inotify wd:/gm)?.length ?? 0
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // closed since it was listed
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** Looks once a second until it has nothing to do: a tick at most in each of three seconds. */
export async function quiet({ processor }: Daemon): Promise<void> {
  let before = processor()
  for (let calm = 0, waited = 0; calm < 3; waited++) {
    if (waited > 120) throw new Error('the daemon does not come to rest')
    await setTimeout(1_000)
    const now = processor()
    calm = now - before <= 10 ? calm + 1 : 0
    before = now
  }
}
