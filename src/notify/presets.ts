/** The robots of four chats: what each wants to be sent, how it is signed, and whether its reply is an error. Pure. */
import { createHmac } from 'node:crypto'
import type { Preset } from '../config/values.ts'
import { printableText } from '../terminal/text.ts'

interface Robot {
  /** The JSON that is sent for a text. */
  readonly body: (text: string) => object
  /** Members of the reply, one of which is 0 if the message was taken; without them the HTTP status says all. */
  readonly codes: readonly string[]
  /** What proves that the sender knows the robot's secret: in the address's query, or in the body. */
  readonly sign?: (secret: string, now: number) => Signature
}

interface Signature {
  readonly place: 'query' | 'body'
  readonly members: Readonly<Record<string, string>>
}

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('base64')

export const ROBOTS: Readonly<Record<Preset, Robot>> = {
  // https://developer.work.weixin.qq.com/document/path/91770: the text has at most 2048 bytes
  wecom: {
    body: text => ({ msgtype: 'text', text: { content: clipped(text, 2_048) } }),
    codes: ['errcode'],
  },
  // https://open.dingtalk.com/document/orgapp/custom-robot-access: 20,000 bytes with all that is around the text
  dingtalk: {
    body: text => ({ msgtype: 'text', text: { content: clipped(text, 18_000) } }),
    codes: ['errcode'],
    sign: (secret, now) => ({
      place: 'query',
      members: { timestamp: `${now}`, sign: hmac(secret, `${now}\n${secret}`) },
    }),
  },
  // https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: 20 KB; `<at …>` would call people by name
  feishu: {
    body: text => ({ msg_type: 'text', content: { text: clipped(text.replaceAll('<', '＜'), 18_000) } }),
    codes: ['code', 'StatusCode'],
    // other than DingTalk's: in seconds, and the secret is part of the key, under which nothing is signed
    sign: (secret, now) => {
      const timestamp = `${Math.floor(now / 1000)}`
      return { place: 'body', members: { timestamp, sign: hmac(`${timestamp}\n${secret}`, '') } }
    },
  },
  // https://docs.slack.dev/messaging/formatting-message-text: these three alone are escaped; `<!channel>` would call everybody
  slack: {
    body: text => ({
      text: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    }),
    codes: [],
  },
}

/** Why a robot did not take the message, or undefined: it answers with HTTP 200 in any case. */
export function replyProblem(preset: Preset, reply: string): string | undefined {
  const { codes } = ROBOTS[preset]
  if (!codes.length) return undefined
  const members = membersOf(reply)
  const code = codes.map(name => members?.[name]).find(value => value !== undefined)
  if (code === 0) return undefined
  if (typeof code !== 'number') return 'answered something else than a robot does'
  const text = [members?.errmsg, members?.msg].find(value => typeof value === 'string')
  return `refused the message: ${text === undefined ? '' : `${printableText(String(text), 200)} `}(${code})`
}

function membersOf(reply: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(reply)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** At most so many bytes of UTF-8, and no half character. */
function clipped(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(most - 3))
  return `${text.slice(0, read)}…`
}
