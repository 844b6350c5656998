/** Sends one message: runs the configured command, or posts to the webhook. */
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
import { type Message, messageEnvironment, messageJson, templateValues } from './message.ts'

/** @throws Fault NOTIFICATION_FAILED, or the signal's reason if it is aborted. */
export type Send = (message: Message, signal: AbortSignal) => Promise<void>

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The command is started without a shell, with the facts in its environment and the whole message as JSON on its standard
 * input. It inherits nothing of certferry's environment, which may hold an API key.
 */
export const commandChannel =
  (file: string): Send =>
  async (message, signal) => {
    requireOwn(file, 'it is not started')
    // imported here, because it would slow every start
    const { execFile } = await import('node:child_process')
    const env = { PATH, ...messageEnvironment(message) }
    const options = { env, signal, timeout: SEND_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
    await new Promise<void>((resolve, reject) => {
      const child = execFile(file, [], options, error => {
        if (!error) return resolve()
        if (signal.aborted) return reject(signal.reason)
        const why = error.killed
          ? `did not end within ${SEND_TIMEOUT_MS / 1000} s`
          : `ended with ${error.code}`
        reject(new Fault('NOTIFICATION_FAILED', `${file} ${why}`))
      })
      child.stdin?.on('error', () => {}) // it may end without reading
      child.stdin?.end(messageJson(message))
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

/** What is wrong with the webhook file, or undefined; the address in it is not quoted. */
export const webhookFileProblem = (file: string): Promise<string | undefined> =>
  webhookAddress(file).then(
    () => undefined,
    error => {
      if (error instanceof Fault) return error.message
      throw error
    },
  )

/** Refuses a file that another user could replace: the command would run as this user, the address receive the messages. */
function requireOwn(file: string, consequence: string): void {
  const unsafe = unsafePath(file)
  if (!unsafe) return
  const { path, says, advice } = unsafe
  throw new Fault('NOTIFICATION_FAILED', `${path}: ${says}, so ${consequence}`, { advice: `${advice}.` })
}

interface Webhook {
  /** Holds the address, which is a secret: anyone who knows it can post there. */
  readonly file: string
  /** JSON with placeholders; without it the message's own JSON is sent. */
  readonly template: string | undefined
  readonly agent: Pick<AgentOptions, 'proxy' | 'env'>
}

/** The address is read before each message, so that a new one is used at once; messages name only its host. */
export const webhookChannel =
  ({ file, template, agent }: Webhook): Send =>
  async (message, abort) => {
    const url = await webhookAddress(file)
    const { createAgent, requestWith, requestTarget } = await import('../http/agent.ts')
    const dispatcher = createAgent({ ...agent, endpoint: url })
    const body =
      template === undefined ? messageJson(message) : fillTemplate(template, templateValues(message))
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': `certferry/${VERSION}`,
    }
    try {
      const signal = AbortSignal.any([abort, AbortSignal.timeout(SEND_TIMEOUT_MS)])
      const request = { ...requestTarget(url), method: 'POST', headers, body, signal } as const
      const answer = await requestWith(dispatcher, request)
      await answer.body.dump()
      if (answer.statusCode >= 300)
        throw new Fault('NOTIFICATION_FAILED', `${url.host} answered ${answer.statusCode}`)
    } catch (error) {
      if (error instanceof Fault) throw error
      const { code, name } = error as NodeJS.ErrnoException
      throw new Fault('NOTIFICATION_FAILED', `${url.host} was not reached (${code ?? name})`)
    } finally {
      await dispatcher.destroy()
    }
  }

async function webhookAddress(file: string): Promise<URL> {
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
  /** The command, or the file with the webhook's address. */
  readonly file: string
  readonly send: Send
}

export function channelsOf(settings: Settings, { env }: ProcessContext): readonly Channel[] {
  const { notifyCommand: command, notifyWebhookFile: webhookFile, notifyTemplate: template, proxy } = settings
  const channels: Channel[] = []
  if (command !== undefined) channels.push({ kind: 'command', file: command, send: commandChannel(command) })
  if (webhookFile !== undefined) {
    const send = webhookChannel({ file: webhookFile, template, agent: { proxy, env } })
    channels.push({ kind: 'webhook', file: webhookFile, send })
  }
  return channels
}
