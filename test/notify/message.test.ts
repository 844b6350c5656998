import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fillTemplate, templateProblem } from '../../src/config/values.ts'
import { messageEnvironment, messageJson, messagesFor, templateValues } from '../../src/notify/message.ts'
import { messageFor, notification } from './sampleNotification.ts'

describe('notification message', () => {
  test('names the host, the certificate, its new ID and the one it replaces', () => {
    expect(messageFor(notification()).text).toBe(
      'certferry on web1: 1 certificate uploaded to Tencent Cloud\ncertbot:shop: a92b1Z1i, replaces old12345, valid until 2027-01-06',
    )
  })

  test('says what is wrong and what to do', () => {
    const { text } = messageFor(notification({ event: 'rejected', reason: 'no', advice: 'Do this.' }))
    expect(text).toBe('certferry on web1: 1 certificate not accepted\ncertbot:shop: no\n→ Do this.')
  })

  test('about a thousand uploads names ten', () => {
    const { text, notifications } = messageFor(
      ...Array.from({ length: 1000 }, (_, i) => notification({ lineage: `pem:${i}` })),
    )
    expect(notifications).toHaveLength(1000)
    expect(text.split('\n')).toHaveLength(12)
    expect(text).toMatch(/\nand 990 more$/)
  })

  test('there is one for each event', () => {
    const messages = messagesFor(
      [notification({ event: 'renewal_overdue' }), notification(), notification()],
      'web1',
    )
    expect(messages.map(({ event, notifications }) => [event, notifications.length])).toEqual([
      ['uploaded', 2],
      ['renewal_overdue', 1],
    ])
  })
})

test.each([
  ['WeCom and DingTalk', '{"msgtype":"text","text":{"content":"{text}"}}'],
  ['Feishu', '{"msg_type":"text","content":{"text":"{text}"}}'],
  ['Slack', '{"text":"{text}"}'],
])('notification template for %s: it is JSON, whatever a certificate is called', (_, template) => {
  expect(templateProblem(template)).toBeUndefined()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (lineage, reason) => {
      const one = messageFor(notification({ event: 'rejected', lineage, reason }))
      const body = JSON.stringify(JSON.parse(fillTemplate(template, templateValues(one))))
      expect(body).toContain(JSON.stringify(one.text).slice(1, -1))
    }),
  )
})

test('notification template: a placeholder in a certificate name is not filled', () => {
  const one = messageFor(notification({ lineage: '{host}{event}' }))
  expect(JSON.parse(fillTemplate('{"text":"{text}"}', templateValues(one))).text).toContain(
    '{host}{event}: a92b1Z1i',
  )
})

test.each(['', 'text', '{text}', '{"text":{text}}', '{"text":"{text}"'])(
  'notification template %j is refused',
  template => {
    expect(templateProblem(template)).toContain('expected JSON')
  },
)

test('notification command: no variable is longer than the kernel accepts', () => {
  const size = ([name, value]: readonly [string, string]) => Buffer.byteLength(`${name}=${value}\0`)
  const long = (length: number) =>
    messageFor(notification({ reason: '证'.repeat(300), names: ['a'.repeat(length)] }))
  const json = (length: number) => messageEnvironment(long(length)).CERTFERRY_JSON
  const room = 131_072 - size(['CERTFERRY_JSON', json(1) ?? ''])
  expect([json(room + 1)?.length, json(room + 2)]).toEqual([expect.any(Number), undefined])
  const many = messageFor(
    ...Array.from({ length: 1000 }, (_, i) =>
      notification({ lineage: `pem:${i}${'证'.repeat(250)}`, advice: 'x'.repeat(4096) }),
    ),
  )
  for (const pair of Object.entries(messageEnvironment(many))) expect(size(pair)).toBeLessThanOrEqual(131_072)
})

test('notification message: JSON and environment have exactly the documented members', () => {
  const one = messageFor(notification())
  expect(JSON.parse(messageJson(one))).toEqual({
    event: 'uploaded',
    host: 'web1',
    text: one.text,
    count: 1,
    certificates: [
      {
        event: 'uploaded',
        lineage: 'certbot:shop',
        names: ['shop.example.com'],
        certificateId: 'a92b1Z1i',
        supersedes: 'old12345',
        notAfter: '2027-01-06T00:00:00.000Z',
        reason: null,
        advice: null,
      },
    ],
  })
  const environment = messageEnvironment(one)
  expect(environment).toMatchObject({
    CERTFERRY_EVENT: 'uploaded',
    CERTFERRY_CERTIFICATE_IDS: 'a92b1Z1i',
    CERTFERRY_COUNT: '1',
  })
  for (const value of Object.values(
    messageEnvironment(messageFor(notification({ lineage: 'a\nb\u001b[31m' }))),
  ).filter(text => !text.startsWith('certferry on')))
    expect(value).not.toMatch(/\p{Cc}/u)
})
