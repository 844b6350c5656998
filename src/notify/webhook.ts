/** Sends one message to a webhook: the robot of a chat, or a service that takes JSON. */
import { fillTemplate, type Preset, webhookProblem } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import type { AgentOptions } from '../http/agent.ts'
import { MASK } from '../secret.ts'
import { SEND_TIMEOUT_MS } from '../util/schedule.ts'
import { VERSION } from '../version.ts'
import { type Message, messageJson, templateValues } from './message.ts'
import { ROBOTS, replyProblem } from './presets.ts'
import { requireOwn, type Send } from './program.ts'

interface Webhook {
  /** Holds the address, which is a secret: anyone who knows it can post there. */
  readonly file: string
  /** Whose robot it is; without one the message's own JSON is sent. */
  readonly preset?: Preset | undefined
  /** JSON with placeholders, in place of either. */
  readonly template: string | undefined
  readonly agent: Pick<AgentOptions, 'proxy' | 'env'>
  readonly now: () => number
}

/** The address is read before each message, so that a new one is used at once; messages name only its host. */
export const webhookChannel =
  ({ file, preset, template, agent, now }: Webhook): Send =>
  async (message, abort) => {
    const { url, secret } = await readWebhook(file, preset)
    const { host } = url
    const { createAgent, requestWith, requestTarget } = await import('../http/agent.ts')
    const signature = secret && preset ? ROBOTS[preset].sign?.(secret, now()) : undefined
    if (signature?.place === 'query')
      for (const [name, value] of Object.entries(signature.members)) url.searchParams.set(name, value)
    const signed = signature?.place === 'body' ? signature.members : {}
    const body = withMembers(bodyOf(message, preset, template), signed)
    const dispatcher = createAgent({ ...agent, endpoint: url })
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': `certferry/${VERSION}`,
    }
    try {
      const signal = AbortSignal.any([abort, AbortSignal.timeout(SEND_TIMEOUT_MS)])
      const request = { ...requestTarget(url), method: 'POST', headers, body, signal } as const
      const answer = await requestWith(dispatcher, request)
      const reply = await beginningOfReply(answer.body)
      if (answer.statusCode >= 300)
        throw new Fault('NOTIFICATION_FAILED', `${host} answered ${answer.statusCode}`)
      const problem = preset && replyProblem(preset, withoutSecrets(reply, url, secret))
      if (problem) throw new Fault('NOTIFICATION_FAILED', `${host} ${problem}`)
    } catch (error) {
      if (error instanceof Fault) throw error
      const { code, name } = error as NodeJS.ErrnoException
      throw new Fault('NOTIFICATION_FAILED', `${host} was not reached (${code ?? name})`)
    } finally {
      await dispatcher.destroy()
    }
  }

function bodyOf(message: Message, preset: Preset | undefined, template: string | undefined): string {
  if (template !== undefined) return fillTemplate(template, templateValues(message))
  return preset ? JSON.stringify(ROBOTS[preset].body(message.text)) : messageJson(message)
}

const withMembers = (json: string, members: Readonly<Record<string, string>>): string =>
  Object.keys(members).length ? JSON.stringify({ ...members, ...JSON.parse(json) }) : json

/** Longer than any word of a robot's address that says nothing, shorter than any key in one. */
const SHORTEST_KEY = 16

/** A reply may repeat what it was sent, and is quoted. */
const withoutSecrets = (reply: string, url: URL, secret = ''): string =>
  [...url.pathname.split('/'), ...url.searchParams.values(), secret]
    .filter(({ length }) => length >= SHORTEST_KEY)
    .reduce((text, key) => text.replaceAll(key, MASK), reply)

/** A robot's reply is one line; the rest of a longer one is not waited for. In bytes. */
const LONGEST_REPLY = 65_536

async function beginningOfReply(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of body) {
    parts.push(part)
    length += part.length
    if (length > LONGEST_REPLY) break
  }
  return Buffer.concat(parts).toString()
}

/** The address, and below it the secret of a robot that checks signatures. */
async function readWebhook(file: string, preset: Preset | undefined) {
  const { text } = await readTextFile(file).catch(error => {
    throw error instanceof Fault ? new Fault('NOTIFICATION_FAILED', error.message) : error
  })
  requireOwn(file, 'nothing is sent to the address in it')
  const [address = '', secret, ...more] = text.trim().split(/\s*\n\s*/)
  const problem = more.length
    ? 'expected one URL, and below it at most a secret'
    : secret !== undefined && !(preset && ROBOTS[preset].sign)
      ? 'a secret below the URL is for preset = "dingtalk" or "feishu"'
      : webhookProblem(address)
  if (problem) throw new Fault('NOTIFICATION_FAILED', `${file}: ${problem}`)
  return { url: new URL(address), secret }
}

/** What is wrong with the webhook file, or undefined; the address in it is not quoted. */
export const webhookFileProblem = (file: string, preset: Preset | undefined): Promise<string | undefined> =>
  readWebhook(file, preset).then(
    () => undefined,
    error => {
      if (error instanceof Fault) return error.message
      throw error
    },
  )
