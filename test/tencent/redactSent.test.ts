import { describe, expect, test } from 'vitest'
import { readReply, redactSent, secretsOf } from '../../src/tencent/response.ts'
import { issue } from '../fixtures/certificates.ts'
import { leaksIn } from '../fixtures/leaks.ts'

const { key, chain } = await issue()
const PASSWORD = 'correct horse'
const body = JSON.stringify({
  CertificatePublicKey: chain,
  CertificatePrivateKey: key,
  KeyPassword: PASSWORD,
})

describe('a service that quotes what it was sent', () => {
  test.each([
    ['as it was', body],
    ['as JSON in JSON', JSON.stringify(body)],
    ['the key without its first and last line', key.split('\n').slice(1, -2).join(' ')],
    ['the key on one line', key.replaceAll('\n', '')],
    ['the password', `wrong password: ${PASSWORD}`],
  ])('has key and password cut out: %s', (_, quoted) => {
    const text = redactSent(secretsOf(JSON.parse(body)))(`not accepted: ${quoted}`)
    expect(text).toMatch(/^not accepted: .*\[secret\]/s)
    expect(leaksIn(text.replaceAll('PRIVATE KEY-----', ''), { keys: [key], secrets: [PASSWORD] })).toEqual([])
  })

  test.each(['Message', 'Code', 'RequestId', 'CertificateId'])('wherever it quotes it: %s', place => {
    const text = JSON.stringify({
      Response: { RequestId: 'r', CertificateId: 'c', [place]: 'token-of-the-account' },
    })
    const { fields } = readReply(200, text, redactSent(['token-of-the-account']))
    expect(fields[place]).toBe('[secret]')
  })

  test('in its error, escaped as JSON allows', () => {
    const escaped = [...'token-of-the-account'].map(c => `\\u00${c.charCodeAt(0).toString(16)}`).join('')
    const text = `{"Response":{"Error":{"Code":"X.${escaped}","Message":"${escaped}"},"RequestId":"${escaped}"}}`
    const read = () => readReply(200, text, redactSent(['token-of-the-account']))
    expect(read).toThrow(
      expect.objectContaining({
        message: 'the service answered X.[secret]: [secret]',
        requestId: '[secret]',
      }),
    )
  })
})

test('a word as short as any other is left, and so is all that was not sent', () => {
  expect(redactSent(['', 'key', '-----BEGIN PRIVATE KEY-----'])('the key is not accepted')).toBe(
    'the key is not accepted',
  )
  expect(secretsOf({ Limit: 1 }).filter(Boolean)).toEqual([])
})
