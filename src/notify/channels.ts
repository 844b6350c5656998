/** Carries one letter out of the house: to a command of the operator's, or to a webhook. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import type { Settings } from '../config/settings.ts'
import { fillTemplate, webhookProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import { unsafePath } from '../files/safePath.ts'
import type { AgentOptions } from '../http/agent.ts'
import type { ProcessContext } from '../processContext.ts'
import { SEND_TIMEOUT_MS } from '../util/schedule.ts'
import { VERSION } from '../version.ts'
import { environmentOf, type Message, messageJson, templateValues } from './message.ts'

/** @throws the signal's reason when it is aborted: the letter is given up. */
export type Send = (letter: Message, signal: AbortSignal) => Promise<void>

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Started directly, by no shell, with the facts in its environment and nothing of ours there: a key of the account may
 * stand in it. The whole letter is on its standard input as JSON. @throws Fault NOTIFICATION_FAILED.
 */
export const commandChannel =
  (file: string): Send =>
  async (letter, signal) => {
    requireOwn(file, 'it is not started')
    await runCommand(file, letter, signal)
  }

/** What keeps a command from being started, in words that name it; nothing is started. */
export async function commandProblem(file: string): Promise<string | undefined> {
  const unsafe = unsafePath(file)
  if (unsafe) return `${unsafe.path}: ${unsafe.says}, so it is not started`
  try {
    if (!statSync(file).isFile()) return `${file}: is not a regular file`
    accessSync(file, constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return `${file}: may not be executed by this user (${code})`
  }
  // a program of any size: only a script begins with the name of its interpreter
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(beginningOf(file)) ?? []
  if (interpreter === undefined || isExecutable(interpreter)) return undefined
  return `${file}: its first line names ${JSON.stringify(interpreter)}, which cannot be started`
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Nothing of what may be executed and not read. */
function beginningOf(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const bytes = Buffer.alloc(256)
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/** What is wrong with the file that holds a webhook's address, in words that do not quote it. */
export const webhookFileProblem = (file: string): Promise<string | undefined> =>
  addressIn(file).then(
    () => undefined,
    error => {
      if (error instanceof Fault) return error.message
      throw error
    },
  )

/** What another user may put in its place would run as this one, or tell another user what is told here. */
function requireOwn(file: string, so: string): void {
  const unsafe = unsafePath(file)
  if (!unsafe) return
  const { path, says, advice } = unsafe
  throw new Fault('NOTIFICATION_FAILED', `${path}: ${says}, so ${so}`, { advice: `${advice}.` })
}

async function runCommand(file: string, letter: Message, signal: AbortSignal): Promise<void> {
  // not at the top, where it would be in the way of every start
  const { execFile } = await import('node:child_process')
  await new Promise<void>((resolve, reject) => {
    const env = { PATH, ...environmentOf(letter) }
    const options = { env, signal, timeout: SEND_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
    const child = execFile(file, [], options, error => {
      if (!error) return resolve()
      if (signal.aborted) return reject(signal.reason)
      const why = error.killed ? `did not end within ${SEND_TIMEOUT_MS / 1000} s` : `ended with ${error.code}`
      reject(new Fault('NOTIFICATION_FAILED', `${file} ${why}`))
    })
    child.stdin?.on('error', () => {}) // it may end without reading
    child.stdin?.end(messageJson(letter))
  })
}

interface Webhook {
  /** Holds the address, which is a secret in itself: whoever knows it can write there. */
  readonly file: string
  /** JSON with places for the letter's words; the letter's own JSON where absent. */
  readonly template: string | undefined
  /** The operator's proxy. */
  readonly way: Pick<AgentOptions, 'proxy' | 'env'>
  readonly version: string
}

/** The address is read each time, so that a new one counts at once, and only its host is ever named. @throws Fault. */
export const webhookChannel =
  ({ file, template, way, version }: Webhook): Send =>
  async (letter, giveUp) => {
    const url = await addressIn(file)
    const { createAgent, requestWith, requestTarget: targetOf } = await import('../http/agent.ts')
    const dispatcher = createAgent({ ...way, endpoint: url })
    const body = template === undefined ? messageJson(letter) : fillTemplate(template, templateValues(letter))
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': `certferry/${version}`,
    }
    try {
      const signal = AbortSignal.any([giveUp, AbortSignal.timeout(SEND_TIMEOUT_MS)])
      const answer = await requestWith(dispatcher, {
        ...targetOf(url),
        method: 'POST',
        headers,
        body,
        signal,
      })
      await answer.body.dump()
      if (answer.statusCode >= 300)
        throw new Fault('NOTIFICATION_FAILED', `${url.host} answered ${answer.statusCode}`)
    } catch (error) {
      throw error instanceof Fault ? error : unreached(url, error as NodeJS.ErrnoException)
    } finally {
      await dispatcher.destroy()
    }
  }

const unreached = ({ host }: URL, { code, name }: NodeJS.ErrnoException) =>
  new Fault('NOTIFICATION_FAILED', `${host} was not reached (${code ?? name})`)

async function addressIn(file: string): Promise<URL> {
  const { text } = await readTextFile(file).catch(error => {
    throw error instanceof Fault ? new Fault('NOTIFICATION_FAILED', error.message) : error
  })
  requireOwn(file, 'nothing is sent to the address in it')
  const problem = webhookProblem(text.trim())
  if (problem) throw new Fault('NOTIFICATION_FAILED', `${file}: ${problem}`)
  return new URL(text.trim())
}

export interface Channel {
  readonly kind: 'command' | 'webhook'
  /** The command itself, or the file with the webhook's address, which is a secret. */
  readonly file: string
  readonly send: Send
}

export function channelsOf({ notify, proxy }: Settings, { env }: ProcessContext): readonly Channel[] {
  const { command, webhookFile: file, template } = notify
  const way = { proxy, env }
  return [
    ...(command === undefined
      ? []
      : [{ kind: 'command', file: command, send: commandChannel(command) } as const]),
    ...(file === undefined
      ? []
      : [
          { kind: 'webhook', file, send: webhookChannel({ file, template, way, version: VERSION }) } as const,
        ]),
  ]
}
