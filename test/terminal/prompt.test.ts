import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { createPrompt } from '../../src/terminal/prompt.ts'

/** A terminal to type at, and everything that it shows. */
function openTerminal() {
  const input = new PassThrough()
  const modes: boolean[] = []
  const shown: string[] = []
  const ask = createPrompt(Object.assign(input, { setRawMode: (raw: boolean) => void modes.push(raw) }), {
    columns: 80,
    write: text => void shown.push(text),
  })
  return {
    ask,
    type: (text: string | Buffer) => void input.write(text),
    input,
    modes,
    shown: () => stripVTControlCharacters(shown.join('')).replaceAll('\r\n', '\n'),
  }
}

test('an answer is shown as it is typed, and ends with Enter', async () => {
  const { ask, type, shown } = openTerminal()
  const answer = ask('Who? ')
  for (const key of 'me\r') type(key)
  expect(await answer).toBe('me')
  expect(shown()).toBe('Who? me\n')
})

test('a secret answer is not shown, not even its length', async () => {
  const { ask, type, shown } = openTerminal()
  const answer = ask('Secret? ', true)
  type('hush\u007f\u007fsh\r')
  expect(await answer).toBe('hush')
  expect(shown()).toBe('Secret? \n')
})

test.each(['AKID\r\nhush\r\n', 'AKID\r\nhu'])(
  'a secret pasted with the answer before it (%j) is not shown, and need not be pasted again',
  async text => {
    const { ask, type, shown } = openTerminal()
    const id = ask('SecretId: ')
    type(text)
    expect(await id).toBe('AKID')
    const secret = ask('SecretKey: ', true)
    if (!text.endsWith('\n')) type('sh\r')
    expect(await secret).toBe('hush')
    expect(shown()).toBe('SecretId: AKID\nSecretKey: \n')
  },
)

test('an arrow key does not bring a secret back', async () => {
  const { ask, type, shown } = openTerminal()
  const secret = ask('Secret? ', true)
  type('hush\r')
  await secret
  const next = ask('Next? ')
  type('\u001b[A\r')
  expect(await next).toBe('')
  expect(shown()).toBe('Secret? \nNext? \n')
})

test.each([
  ['deleted letters', 'ab\u007fc\r', 'ac'],
  ['more deleted than typed', '\b\ba\r', 'a'],
  ['a line deleted by Ctrl-U', 'abc\u0015d\r', 'd'],
  ['arrow keys', 'ac\u001b[Db\r', 'abc'],
  ['blanks around it', '  a b \r', 'a b'],
  ['nothing', '\r', ''],
])('an answer with %s is what is left', async (_, keys, expected) => {
  const { ask, type } = openTerminal()
  const answer = ask('? ')
  type(keys)
  expect(await answer).toBe(expected)
})

test('letters of several bytes may arrive in pieces', async () => {
  const { ask, type, shown } = openTerminal()
  const answer = ask('? ')
  for (const byte of Buffer.from('ü证\r')) type(Buffer.of(byte))
  expect(await answer).toBe('ü证')
  expect(shown()).toBe('? ü证\n')
})

test.each([
  ['Ctrl-C', 'a\u0003'],
  ['Ctrl-D', '\u0004'],
  ['the end of the input', undefined],
])('%s is an interruption, for this question and the next', async (_, keys) => {
  const { ask, type, input } = openTerminal()
  const answer = ask('? ')
  if (keys) type(keys)
  else input.end()
  await expect(answer).rejects.toMatchObject({
    ...{ code: 'INTERRUPTED', exit: 75 },
    advice: expect.stringContaining('certferry setup'),
  })
  await expect(ask('? ')).rejects.toMatchObject({ code: 'INTERRUPTED' })
})

test.each(['\r', '\u0003'])('after %j the terminal is not in raw mode', async key => {
  const { ask, type, modes } = openTerminal()
  const answer = ask('? ')
  expect(modes.at(-1)).toBe(true)
  type(key)
  await answer.catch(() => undefined)
  expect(modes.at(-1)).toBe(false)
})
