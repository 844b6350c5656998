#!/usr/bin/env node
/**
 * argv + env → command → exit code. The only file that touches process.
 * Nothing that an older Node lacks is imported before its version is checked.
 */
import { accessSync, constants } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Ask, ProcessContext } from './processContext.ts'

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
  const shutdown = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // the first asks the work to end, the second ends the process
    process.on(signal, () => (shutdown.signal.aborted ? leave(75) : shutdown.abort(signal)))
  }
  const deadline = new AbortController()
  const timeIsOver = AbortSignal.any([shutdown.signal, deadline.signal])
  shutdown.signal.addEventListener('abort', () => after(SHUTDOWN_MS, () => leave(75)))
  process.once('uncaughtException', fail)
  process.once('unhandledRejection', fail)
  // with nothing left to wait for, Node would exit with 0 although the command has not ended
  process.once('beforeExit', () => fail(new Error('nothing left to wait for')))
  process.umask(0o077)

  const { env } = process
  // work goes on if output fails; exit 74 if output was lost to a full disk
  let isOutputLost = false
  const onLost = () => {
    isOutputLost = true
  }
  const stdout = openOutput({ fd: 1, stream: () => process.stdout, env, onLost })
  const stderr = openOutput({ fd: 2, stream: () => process.stderr, env, onLost })
  let prompt: Ask | undefined
  const ask: Ask = async (question, hidden) => {
    prompt ??= (await import('./terminal/prompt.ts')).createPrompt(process.stdin, stdout)
    return prompt(question, hidden)
  }
  const context: ProcessContext = {
    ...(stdout.isTerminal && process.stdin.isTTY && { ask }),
    env,
    cwd: workingDirectory(),
    home: home(),
    nodeVersion: found,
    hasSudo: () =>
      process.getuid?.() !== 0 && (env.PATH ?? '').split(':').some(folder => mayRun(`${folder}/sudo`)),
    program: { node: process.execPath, main: isSea() ? undefined : import.meta.filename },
    stdout,
    stderr,
    pid: process.pid,
    now: Date.now,
    monotonicNow: () => Number(process.hrtime.bigint()) / 1e6,
    onSignal: (name, call) => void process.on(name, call),
    sleep: (ms, signal) => setTimeout(ms, undefined, signal && { signal }),
    random: Math.random,
    shutdown: shutdown.signal,
    endWithin: seconds => {
      // Node loads perf_hooks for `performance`, which takes a millisecond
      const left = Math.max(0, (seconds - process.uptime()) * 1000)
      after(left, () => deadline.abort())
      after(left + OVERTIME_MS, () => leave(75))
      return deadline.signal
    },
  }
  await closeDebugger()
  const code = await cli(process.argv.slice(2), context)
  // waits for a slow reader, but only briefly if the time is over
  const giveUp = new AbortController()
  const giveUpSoon = () => after(LAST_OUTPUT_MS, () => giveUp.abort())
  if (timeIsOver.aborted) giveUpSoon()
  else timeIsOver.addEventListener('abort', giveUpSoon)
  await Promise.all([stdout.flush(giveUp.signal), stderr.flush(giveUp.signal)])
  leave(code === 0 && isOutputLost ? 74 : code)
}

/** From the first signal until the process is ended, whatever it is doing. */
const SHUTDOWN_MS = 15_000

/** The same, from a command's deadline. */
const OVERTIME_MS = 2_000

/** For a slow reader when the time is over. */
const LAST_OUTPUT_MS = 500

/** Calls back later, if the process still runs. */
const after = (ms: number, call: () => void) => void setTimeout(ms, undefined, { ref: false }).then(call)

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
    `certferry: an error in certferry itself (${error instanceof Error ? error.name : typeof error})\n${stack}\n  → Please report it, with these lines, where you got certferry from.\n`,
  )
  leave(70)
}
