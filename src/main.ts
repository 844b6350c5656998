#!/usr/bin/env node
/**
 * argv + env → command → exit code. The only file that touches process.
 * Nothing that an older Node lacks is imported before the version is checked, so that it says what is missing.
 */
import { homedir } from 'node:os'
import { setTimeout } from 'node:timers/promises'

// by itself Node answers this signal with a debugger, which every user of this machine may ask for all keys
process.on('SIGUSR1', () => {})

const needed = [22, 22] as const
const found = process.versions.node
const [major = 0, minor = 0] = found.split('.').map(Number)

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(
    `certferry needs Node ${needed.join('.')} or newer and was started with ${found}.\n` +
      'The self-contained program and the Debian package bring their own; in a checkout dist/certferry does.\n',
  )
  process.exitCode = 78
} else {
  import('./cli.ts').then(run, fail)
}

async function run({ cli }: typeof import('./cli.ts')): Promise<void> {
  const { openOutput } = await import('./edge/output.ts')
  const { isSea } = process.getBuiltinModule('node:sea')
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // the first asks, the second does not wait for the answer
    process.on(signal, () => (ending.signal.aborted ? process.exit(75) : ending.abort(signal)))
  }
  // the work goes on where nobody can be told of it; what is not said for want of a disk shows in the exit code
  let unsaid = false
  process.once('exit', code => {
    if (code === 0 && unsaid) process.exitCode = 74
  })
  process.once('uncaughtException', fail)
  process.once('unhandledRejection', fail)
  // with nothing left to wait for Node would end with 0, whatever became of the command
  const drained = () => fail(new Error('nothing left to wait for'))
  process.once('beforeExit', drained)
  process.umask(0o077)

  const { env } = process
  const onLost = () => {
    unsaid = true
  }
  const stdout = openOutput({ fd: 1, stream: () => process.stdout, env, onLost })
  const stderr = openOutput({ fd: 2, stream: () => process.stderr, env, onLost })
  let asker: ReturnType<typeof import('./edge/terminal.ts').asking> | undefined
  const ask = async (question: string, hidden?: boolean) => {
    asker ??= (await import('./edge/terminal.ts')).asking(process.stdin, stdout)
    return asker(question, hidden)
  }
  const world = {
    ...(stdout.isTerminal && process.stdin.isTTY && { ask }),
    env,
    cwd: process.cwd(),
    home: homedir(),
    nodeVersion: found,
    program: { node: process.execPath, main: isSea() ? undefined : import.meta.filename },
    stdout,
    stderr,
    pid: process.pid,
    now: Date.now,
    monotonic: () => Number(process.hrtime.bigint()) / 1e6,
    onSignal: (name: NodeJS.Signals, call: () => void) => void process.on(name, call),
    wait: (ms: number, signal?: AbortSignal) => setTimeout(ms, undefined, signal && { signal }),
    dice: Math.random,
    ending: ending.signal,
    closeDebugger,
  }
  process.exitCode = await cli(process.argv.slice(2), world)
  process.off('beforeExit', drained)
}

/** One that was opened before this file was read; not the one that a developer asks for on the command line itself. */
async function closeDebugger(): Promise<void> {
  if (!process.features.inspector || process.execArgv.some(word => word.startsWith('--inspect'))) return
  // a debugger that a signal opened is opened once more in the first turn of the event loop
  await new Promise(resolve => setImmediate(resolve))
  process.getBuiltinModule('node:inspector').close()
}

/** Whatever gets here is a bug. Its own text is not printed: it may quote what it was given, on several lines. */
function fail(error: unknown): void {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : []
  const stack = lines.filter(line => /^ +at /.test(line)).join('\n')
  process.stderr.write(
    `certferry: an error in certferry itself (${error instanceof Error ? error.name : typeof error})\n${stack}\n`,
  )
  process.exit(70)
}
