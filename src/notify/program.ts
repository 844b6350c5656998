/** Sends one message by a program: the configured command, or sendmail. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { Fault } from '../errors.ts'
import { unsafePath } from '../files/safePath.ts'
import { printableText } from '../terminal/text.ts'
import { SEND_TIMEOUT_MS } from '../util/schedule.ts'
import { mailOf } from './mail.ts'
import { type Message, messageEnvironment, messageJson } from './message.ts'

/** @throws Fault NOTIFICATION_FAILED, or the signal's reason if it is aborted. */
export type Send = (message: Message, signal: AbortSignal) => Promise<void>

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** With the facts in its environment and the whole message as JSON on its standard input. */
export const commandChannel =
  (file: string): Send =>
  (message, signal) =>
    runProgram({ file, env: messageEnvironment(message), input: messageJson(message) }, signal)

interface Mail {
  readonly sendmail: string
  readonly to: string
  readonly now: () => number
}

/** By the options that every program called sendmail knows: recipients from the headers, a lone dot is text. */
export const mailChannel =
  ({ sendmail, to, now }: Mail): Send =>
  (message, signal) =>
    runProgram(
      {
        file: sendmail,
        words: ['-t', '-i'],
        input: mailOf(message, to, new Date(now())),
        quotesErrors: true,
      },
      signal,
    )

interface Program {
  readonly file: string
  readonly words?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly input: string
  /** Whether the last line of its standard error is part of the fault. A command of the operator's may print anything. */
  readonly quotesErrors?: boolean
}

/** Without a shell. It inherits nothing of certferry's environment, which may hold an API key. */
async function runProgram({ file, words = [], env, input, quotesErrors }: Program, signal: AbortSignal) {
  requireOwn(file, 'it is not started')
  // imported here, because it would slow every start
  const { execFile } = await import('node:child_process')
  const options = {
    env: { PATH, ...env },
    signal,
    timeout: SEND_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  } as const
  await new Promise<void>((resolve, reject) => {
    const child = execFile(file, words, options, (error, _, stderr) => {
      if (!error) return resolve()
      if (signal.aborted) return reject(signal.reason)
      const why = error.killed
        ? `did not end within ${SEND_TIMEOUT_MS / 1000} s`
        : `ended with ${error.code ?? error.signal}`
      const said = quotesErrors ? printableText(stderr.trim().split('\n').at(-1) ?? '', 200) : ''
      reject(new Fault('NOTIFICATION_FAILED', `${file} ${why}${said && `: ${said}`}`))
    })
    child.stdin?.on('error', () => {}) // it may end without reading
    child.stdin?.end(input)
  })
}

/** Why a command cannot be started, or undefined. Starts nothing. */
export async function commandProblem(file: string): Promise<string | undefined> {
  const unsafe = unsafePath(file)
  if (unsafe) return `${unsafe.path}: ${unsafe.says}, so it is not started`
  const code = executionError(file)
  if (code === 'EISDIR') return `${file}: is not a regular file`
  if (code) return `${file}: may not be executed by this user (${code})`
  // only a script begins with the name of its interpreter
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(beginningOf(file)) ?? []
  if (interpreter === undefined || !executionError(interpreter)) return undefined
  return `${file}: its first line names ${JSON.stringify(interpreter)}, which cannot be started`
}

/** The code of the error of executing a file, as far as can be known without starting it. */
function executionError(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile() ? undefined : 'EISDIR'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Empty for a file that may be executed but not read. */
function beginningOf(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const bytes = Buffer.alloc(256)
      return bytes.toString('latin1', 0, readSync(file, bytes))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/** Refuses a file that another user could replace: the command would run as this user, the address receive the messages. */
export function requireOwn(file: string, consequence: string): void {
  const unsafe = unsafePath(file)
  if (!unsafe) return
  const { path, says, advice } = unsafe
  throw new Fault('NOTIFICATION_FAILED', `${path}: ${says}, so ${consequence}`, { advice: `${advice}.` })
}
