import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PRESETS, type Preset } from '../../src/config/values.ts'
import type { Message } from '../../src/notify/message.ts'
import { webhookChannel } from '../../src/notify/webhook.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { robot, SIGNING_SECRET } from './robots.ts'
import { messageFor, notification } from './sampleNotification.ts'

async function send(preset: Preset | undefined, content: string, message = messageFor(notification())) {
  const file = join(await temporaryDirectory(), 'webhook')
  await writeFile(file, content, { mode: 0o600 })
  const agent = { proxy: undefined, env: {} }
  const channel = webhookChannel({ file, preset, template: undefined, agent, now: Date.now })
  return channel(message, AbortSignal.timeout(60_000))
}

const withText = (text: string): Message => ({ ...messageFor(notification()), text })

test.each(PRESETS)('the robot of %s takes a message, signed where it can check signatures', async preset => {
  const { file, texts } = await robot(preset)
  await send(preset, file)
  expect(texts).toEqual([messageFor(notification()).text])
})

test('WeCom is sent no more than its 2048 bytes, and no half character', async () => {
  const { file, texts } = await robot('wecom')
  await send('wecom', file, withText('certferry: 证书已更新 '.repeat(300)))
  expect(Buffer.byteLength(texts[0] ?? '')).toBeGreaterThan(2040)
  expect(texts[0]).toMatch(/^certferry: 证书.*…$/)
  expect(texts[0]).not.toContain('\ufffd')
})

test.each<[Preset, string]>([
  ['slack', '&lt;!channel&gt; &amp;lt;'],
  ['feishu', '＜!channel> &lt;'],
])('no text mentions people at %s', async (preset, sent) => {
  const { file, texts } = await robot(preset)
  await send(preset, file, withText('<!channel> &lt;'))
  expect(texts).toEqual([sent])
})

describe('an error code in an answer with HTTP 200 is a failure, in the words of the robot', () => {
  test.each<[Preset, string, RegExp]>([
    [
      'wecom',
      '{"errcode":93000,"errmsg":"invalid webhook url"}',
      /refused the message: invalid webhook url \(93000\)$/,
    ],
    [
      'dingtalk',
      '{"errcode":310000,"errmsg":"keywords not in content"}',
      /keywords not in content \(310000\)$/,
    ],
    ['feishu', '{"code":19021,"msg":"sign match fail"}', /sign match fail \(19021\)$/],
    ['feishu', '{"StatusCode":9,"msg":"a\\u001b[31mb"}', /: a\ufffd\[31mb \(9\)$/],
    ['wecom', '<html>welcome to this network</html>', /answered something else than a robot does$/],
    ['dingtalk', 'null', /answered something else than a robot does$/],
    ['feishu', '{"code":"0"}', /answered something else than a robot does$/],
  ])('%s: %s', async (preset, body, said) => {
    const { file } = await robot(preset, () => ({ body }))
    const fault = await send(preset, file).catch(error => error)
    expect(fault).toMatchObject({ code: 'NOTIFICATION_FAILED', message: expect.stringMatching(said) })
    expect(fault.message).not.toContain('token-in-the-address')
  })

  test('a robot that repeats address and secret has them in no message', async () => {
    const { file } = await robot('dingtalk', (_, query) => ({
      body: JSON.stringify({ errcode: 1, errmsg: `${query} ${SIGNING_SECRET}` }),
    }))
    const fault = await send('dingtalk', file).catch(error => error)
    expect(fault.message).toMatch(
      /refused the message: access_token=\[secret]&timestamp=\d+&sign=\S+ \[secret] \(1\)$/,
    )
  })

  test('a wrong signing secret', async () => {
    const { file } = await robot('dingtalk')
    await expect(send('dingtalk', file.replace(SIGNING_SECRET, 'another'))).rejects.toMatchObject({
      message: expect.stringMatching(/refused the message: sign not match \(310000\)$/),
    })
  })
})

test.each<[Preset | undefined, string, string]>([
  [
    undefined,
    `https://robot.example/\n${SIGNING_SECRET}`,
    'a secret below the URL is for preset = "dingtalk" or "feishu"',
  ],
  [
    'wecom',
    `https://robot.example/\n${SIGNING_SECRET}`,
    'a secret below the URL is for preset = "dingtalk" or "feishu"',
  ],
  [
    'feishu',
    `https://robot.example/\n${SIGNING_SECRET}\nmore`,
    'expected one URL, and below it at most a secret',
  ],
])('a file for %s with lines too many is refused and not quoted', async (preset, content, says) => {
  const fault = await send(preset, content).catch(error => error)
  expect(fault.message).toContain(says)
  expect(fault.message).not.toContain(SIGNING_SECRET)
})
