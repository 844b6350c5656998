import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mailProblem } from '../../src/config/values.ts'
import { mailOf } from '../../src/notify/mail.ts'
import { type Message, sampleMessage } from '../../src/notify/message.ts'
import { mailChannel } from '../../src/notify/program.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { messageFor, notification } from './sampleNotification.ts'

const NOW = new Date('2026-11-30T16:42:06Z')

const unquoted = (text: string) =>
  Buffer.from(
    text
      .replaceAll('=\n', '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString()

/** A mail as its reader sees it: RFC 5322, 2045 and 2047. */
function read(mail: string) {
  const [head = '', ...rest] = mail.split('\n\n')
  const lines = head.replaceAll('\n ', ' ').split('\n')
  const headers = new Map(lines.map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string]))
  const subject = (headers.get('Subject') ?? '').replaceAll('?= =?', '?==?')
  const decoded = subject.replace(/=\?utf-8\?B\?([A-Za-z0-9+/=]*)\?=/g, (_, word) =>
    Buffer.from(word, 'base64').toString(),
  )
  return { lines, headers, subject: decoded, body: unquoted(rest.join('\n\n')) }
}

describe('a notification as a mail', () => {
  test('has the headers that a mail must have, its heading as the subject and its text as the body', () => {
    const message = messageFor(notification({ event: 'rejected', reason: 'no', advice: 'Do this.' }))
    const { headers, subject, body } = read(mailOf(message, 'ops@example.com', NOW))
    expect(Object.fromEntries(headers)).toEqual({
      To: 'ops@example.com',
      Subject: 'certferry on web1: 1 certificate not accepted',
      Date: 'Mon, 30 Nov 2026 16:42:06 +0000',
      'X-Certferry-Event': 'rejected',
      'Auto-Submitted': 'auto-generated',
      'MIME-Version': '1.0',
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Transfer-Encoding': 'quoted-printable',
    })
    expect(subject).toBe('certferry on web1: 1 certificate not accepted')
    expect(body).toBe(`${message.text}\n`)
  })

  test('says the same whatever its text is: no text adds a header, and no line is too long', () => {
    const names = [...read(mailOf(sampleMessage('web1'), 'root', NOW)).headers.keys()]
    const texts = fc.string({
      unit: fc.constantFrom('a', ' ', '=', '?', '证', '😀', '\r', '\n', ':', '.', '\t'),
      maxLength: 300,
    })
    fc.assert(
      fc.property(fc.oneof(texts, fc.string({ unit: 'grapheme' })), text => {
        const mail = mailOf({ ...sampleMessage('web1'), text } as Message, 'root', NOW)
        const { headers, subject, body, lines } = read(mail)
        expect([...headers.keys()]).toEqual(names)
        expect(lines).toHaveLength(names.length)
        expect(subject).toBe(text.split('\n')[0])
        expect(body).toBe(`${text}\n`)
        expect(Math.max(...mail.split('\n').map(line => line.length))).toBeLessThan(998)
        expect(mail).toMatch(/^[\n -~]*$/)
      }),
      { examples: [['=?utf-8?B?aGk=?=']] },
    )
  })
})

test.each([
  ['ops@example.com', true],
  ['root', true],
  ['first.last+certs@mail.example.co.uk', true],
  ['ops@example.com, boss@example.com', false],
  ['Ops <ops@example.com>', false],
  ['-oQ/tmp', false],
  ['a@b\nBcc: c@d', false],
  ['ops@', false],
])('%j as the address of [notify] mail: %s', (text, isFine) => {
  expect(mailProblem(text) === undefined).toBe(isFine)
})

describe('sendmail', () => {
  async function sendmail(script: string) {
    const dir = await temporaryDirectory()
    const file = join(dir, 'sendmail')
    await writeFile(file, `#!/bin/sh\ncd '${dir}'\n${script}\n`, { mode: 0o755 })
    const send = mailChannel({ sendmail: file, to: 'ops@example.com', now: () => NOW.getTime() })
    return { file, send: () => send(messageFor(notification()), AbortSignal.timeout(60_000)), dir }
  }

  test('is called with -t -i, reads the mail, and inherits nothing', async () => {
    const { dir, send } = await sendmail('echo "$@" > words; cat > mail; env > env')
    await send()
    const said = (name: string) => readFile(join(dir, name), 'utf8')
    expect(await said('words')).toBe('-t -i\n')
    expect(await said('mail')).toBe(mailOf(messageFor(notification()), 'ops@example.com', NOW))
    const names = (await said('env')).split('\n').map(line => line.split('=')[0])
    expect(names.filter(name => !['', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''))).toEqual(
      [],
    )
  })

  test('that is ended by a signal is a fault with its name', async () => {
    const { file, send } = await sendmail('kill -9 $$')
    await expect(send()).rejects.toMatchObject({ message: `${file} ended with SIGKILL` })
  })

  test('that fails is a fault with its exit code and its last words, on one line', async () => {
    const { file, send } = await sendmail(`printf 'first\\nno relay \\033[31m\\n' >&2; exit 75`)
    await expect(send()).rejects.toMatchObject({
      code: 'NOTIFICATION_FAILED',
      message: `${file} ended with 75: no relay \ufffd[31m`,
    })
  })
})
