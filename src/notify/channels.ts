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
    await runCommand(file, message, signal)
  }

/** Why a command cannot be started, or undefined. Starts nothing. */
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
  // only a script begins with the name of its interpreter
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

/** Empty for a file that may be executed but not read. */
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

/** What is wrong with the webhook file, or undefined; the address in it is not quoted. */
export const webhookFileProblem = (file: string): Promise<string | undefined> =>
  addressIn(file).then(
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

async function runCommand(file: string, message: Message, signal: AbortSignal): Promise<void> {
  // imported here, because it would slow every start
  const { execFile } = await import('node:child_process')
  await new Promise<void>((resolve, reject) => {
    const env = { PATH, ...messageEnvironment(message) }
    const options = { env, signal, timeout: SEND_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
    const child = execFile(file, [], options, error => {
      if (!error) return resolve()
      if (signal.aborted) return reject(signal.reason)
      const why = error.killed ? `did not end within ${SEND_TIMEOUT_MS / 1000} s` : `ended with ${error.code}`
      reject(new Fault('NOTIFICATION_FAILED', `${file} ${why}`))
    })
    child.stdin?.on('error', () => {}) // it may end without reading
    child.stdin?.end(messageJson(message))
  })
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
    const url = await addressIn(file)
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
      const answer = await requestWith(dispatcher, {
        ...requestTarget(url),
        method: 'POST',
        headers,
        body,
        signal,
      })
      await answer.body.dump()
      if (answer.statusCode >= 300)
        throw new Fault('NOTIFICATION_FAILED', `${url.host} answered ${answer.statusCode}`)
    } catch (error) {
      throw error instanceof Fault ? error : notReached(url, error as NodeJS.ErrnoException)
    } finally {
      await dispatcher.destroy()
    }
  }

const notReached = ({ host }: URL, { code, name }: NodeJS.ErrnoException) =>
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
