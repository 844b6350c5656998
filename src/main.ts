#!/usr/bin/env node
/**
 * argv + env → command → exit code. The only file that touches process.
 * Nothing that an older Node lacks is imported before its version is checked.
 */
import { accessSync, constants } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'

// Node itself would open a debugger; with its --disable-sigusr1 the signal could not ask for a rescan
process.on('SIGUSR1', () => {})

// a reload during the start is ignored: the daemon is about to read the configuration anyway
if (process.argv[2] === 'watch') process.on('SIGHUP', () => {})

const NEEDED = 24

const found = process.versions.node

if (Number.parseInt(found, 10) < NEEDED) {
  process.stderr.write(
    `certferry needs Node ${NEEDED} or newer and was started with ${found}.\n` +
      'The self-contained program and the Debian package bring their own; in a checkout dist/certferry does.\n',
  )
  process.exitCode = 78
} else {
  import('./cli/run.ts').then(run, fail)
}

async function run({ cli }: typeof import('./cli/run.ts')): Promise<void> {
  const { openOutput } = await import('./terminal/output.ts')
  const { isSea } = process.getBuiltinModule('node:sea')
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // the first asks the work to end, the second ends the process
    process.on(signal, () => (ending.signal.aborted ? leave(75) : ending.abort(signal)))
  }
  const late = new AbortController()
  const over = AbortSignal.any([ending.signal, late.signal])
  ending.signal.addEventListener('abort', () => void setTimeout(FINISH, undefined, UNHEARD).then(cutOff))
  // work goes on if output fails; exit 74 if output was lost to a full disk
  let unsaid = false
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
  let asker: ReturnType<typeof import('./terminal/prompt.ts').createPrompt> | undefined
  const ask = async (question: string, hidden?: boolean) => {
    asker ??= (await import('./terminal/prompt.ts')).createPrompt(process.stdin, stdout)
    return asker(question, hidden)
  }
  const world = {
    ...(stdout.isTerminal && process.stdin.isTTY && { ask }),
    env,
    cwd: workingDirectory(),
    home: home(),
    nodeVersion: found,
    program: { node: process.execPath, main: isSea() ? undefined : import.meta.filename },
    stdout,
    stderr,
    pid: process.pid,
    now: Date.now,
    monotonicNow: () => Number(process.hrtime.bigint()) / 1e6,
    onSignal: (name: NodeJS.Signals, call: () => void) => void process.on(name, call),
    sleep: (ms: number, signal?: AbortSignal) => setTimeout(ms, undefined, signal && { signal }),
    random: Math.random,
    shutdown: ending.signal,
    endWithin: (seconds: number) => {
      const left = Math.max(0, seconds * 1000 - performance.now())
      void setTimeout(left + OVERTIME, undefined, UNHEARD).then(cutOff)
      void setTimeout(left, undefined, UNHEARD).then(() => late.abort())
      return late.signal
    },
  }
  await closeDebugger()
  const code = await cli(process.argv.slice(2), world)
  // waits for a slow reader, but only shortly if the time is over
  const hurried = new AbortController()
  const hurry = () => void setTimeout(LAST_WORDS, undefined, UNHEARD).then(() => hurried.abort())
  if (over.aborted) hurry()
  else over.addEventListener('abort', hurry)
  await Promise.all([stdout.flush(hurried.signal), stderr.flush(hurried.signal)])
  leave(code === 0 && unsaid ? 74 : code)
}

/** Milliseconds from the first signal, and from a command's deadline, until the process is ended whatever it does. */
const [FINISH, OVERTIME] = [15_000, 2_000] as const

/** Milliseconds for a slow reader when the time is over. */
const LAST_WORDS = 500

const UNHEARD = { ref: false } as const

const cutOff = () => leave(75)

/**
 * Ends the process. Its own exit would wait for system calls in flight: half a minute for a silent name server, for ever for
 * a silent file server. A shell that takes its place does not wait.
 */
function leave(code: number): never {
  const { execve } = process
  const isHeldUp = process
    .getActiveResourcesInfo()
    .some(name => /^(GetAddrInfo|GetNameInfo|FS)Req/.test(name))
  if (isHeldUp && execve && mayRun('/bin/sh')) execve('/bin/sh', ['sh', '-c', `exit ${code}`], {})
  process.exit(code)
}

function mayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** For a deleted directory, Linux's name for it: nothing relative to it exists. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return '/proc/self/cwd'
  }
}

/** HOME if it is absolute, else the system's entry for the user, else a directory that does not exist. */
function home(): string {
  const { HOME = '' } = process.env
  if (isAbsolute(HOME)) return HOME
  try {
    return userInfo().homedir
  } catch {
    return '/nonexistent'
  }
}

/** Closes a debugger that NODE_OPTIONS or an earlier SIGUSR1 opened, but not one asked for on Node's command line. */
async function closeDebugger(): Promise<void> {
  if (process.execArgv.some(word => word.startsWith('--inspect'))) return
  // Node opens it in the first turn of the event loop
  await setImmediate()
  // what node:inspector's close() does, without the milliseconds that loading it takes
  const { _debugEnd } = process as typeof process & { readonly _debugEnd?: () => void }
  _debugEnd?.()
}

/** Reports a bug. The error's message is not printed: it may quote a secret. */
function fail(error: unknown): void {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : []
  const stack = lines.filter(line => /^ +at /.test(line)).join('\n')
  process.stderr.write(
    `certferry: an error in certferry itself (${error instanceof Error ? error.name : typeof error})\n${stack}\n`,
  )
  leave(70)
}
