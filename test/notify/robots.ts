/** The robots of four chats, as strict as their documentation: a wrong message is answered with HTTP 200 and an error code. */
import { createHmac } from 'node:crypto'
import type { Preset } from '../../src/config/values.ts'
import { type Answer, type Asked, answering } from '../http/httpServers.ts'

export const SIGNING_SECRET = 'SEC-signing-secret'

const HOUR = 3_600_000

const isOnly = (value: object = {}, ...names: readonly string[]) =>
  JSON.stringify(Object.keys(value).sort()) === JSON.stringify([...names].sort())

interface Body {
  readonly msgtype?: unknown
  readonly msg_type?: unknown
  readonly text?: { readonly content: string }
  readonly content?: { readonly text: string }
  readonly timestamp?: string
  readonly sign?: string
}

type Judge = (body: Body, query: URLSearchParams) => Answer

const json = (value: object): Answer => ({ body: JSON.stringify(value) })

const JUDGES: Readonly<Record<Preset, Judge>> = {
  wecom: ({ msgtype, text, ...rest }) => {
    if (msgtype !== 'text' || !text || !isOnly(rest))
      return json({ errcode: 40008, errmsg: 'invalid message type' })
    return Buffer.byteLength(text.content) > 2048
      ? json({ errcode: 40058, errmsg: 'text.content exceed max length 2048' })
      : json({ errcode: 0, errmsg: 'ok' })
  },
  dingtalk: ({ msgtype, text }, query) => {
    const timestamp = query.get('timestamp')
    const sign = createHmac('sha256', SIGNING_SECRET)
      .update(`${timestamp}\n${SIGNING_SECRET}`)
      .digest('base64')
    if (query.get('sign') !== sign || Math.abs(Number(timestamp) - Date.now()) > HOUR)
      return json({ errcode: 310000, errmsg: 'sign not match' })
    return msgtype === 'text' && isOnly(text, 'content') && text?.content.includes('certferry')
      ? json({ errcode: 0, errmsg: 'ok' })
      : json({ errcode: 310000, errmsg: 'keywords not in content' })
  },
  feishu: ({ msg_type, content, timestamp, sign }) => {
    const expected = createHmac('sha256', `${timestamp}\n${SIGNING_SECRET}`).update('').digest('base64')
    if (sign !== expected || Math.abs(Number(timestamp) * 1000 - Date.now()) > HOUR)
      return json({
        code: 19021,
        msg: 'sign match fail or timestamp is not within one hour from current time',
      })
    return msg_type === 'text' && isOnly(content, 'text')
      ? json({ StatusCode: 0, StatusMessage: 'success', code: 0, data: {}, msg: 'success' })
      : json({ code: 9499, msg: 'Bad Request', data: {} })
  },
  slack: body => (isOnly(body, 'text') ? { body: 'ok' } : { status: 400, body: 'invalid_payload' }),
}

/** A robot, and the file that `webhook_file` names. */
export async function robot(preset: Preset, judge: Judge = JUDGES[preset]) {
  const texts: string[] = []
  const { url, asked } = await answering(({ path, body, headers, method }: Asked) => {
    const isJson = headers['content-type']?.startsWith('application/json') && method === 'POST'
    if (!isJson) return { status: 415 }
    const members = JSON.parse(body.toString())
    texts.push(members.text?.content ?? members.content?.text ?? members.text)
    return judge(members, new URL(path, 'http://robot').searchParams)
  })
  const isSigned = preset === 'dingtalk' || preset === 'feishu'
  return {
    file: `${url}robot?access_token=token-in-the-address\n${isSigned ? `${SIGNING_SECRET}\n` : ''}`,
    asked,
    texts,
  }
}
