import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createPrompt } from '../../src/terminal/prompt.ts'

/** A keyboard that can be typed at, and everything that is shown. */
function terminal() {
  const keys = new PassThrough()
  const modes: boolean[] = []
  const shown: string[] = []
  const input = Object.assign(keys, { setRawMode: (raw: boolean) => void modes.push(raw) })
  const ask = createPrompt(input, { write: text => void shown.push(text) })
  return {
    ask,
    type: (text: string | Buffer) => void keys.write(text),
    keys,
    modes,
    shown: () => shown.join(''),
  }
}

describe('an answer', () => {
  test('is shown as it is typed, and ends with Enter', async () => {
    const { ask, type, shown } = terminal()
    const answer = ask('Who? ')
    for (const key of 'me\r') type(key)
    expect(await answer).toBe('me')
    expect(shown()).toBe('Who? me\n')
  })

  test('that is secret is not shown, not even its length', async () => {
    const { ask, type, shown } = terminal()
    const answer = ask('Secret? ', true)
    type('hush\u007f\u007fsh\r')
    expect(await answer).toBe('hush')
    expect(shown()).toBe('Secret? \n')
  })

  test('pasted in one go with the next one: the secret half is not shown, and need not be pasted again', async () => {
    const { ask, type, shown } = terminal()
    const id = ask('SecretId: ')
    type('AKID\r\nhush\r\n')
    expect(await id).toBe('AKID')
    expect(await ask('SecretKey: ', true)).toBe('hush')
    expect(shown()).toBe('SecretId: AKID\nSecretKey: \n')
  })

  test.each([
    ['rubbed out', 'ab\u007fc\r', 'ac'],
    ['rubbed out beyond its beginning', '\b\ba\r', 'a'],
    ['begun anew with Ctrl-U', 'abc\u0015d\r', 'd'],
    ['with arrow keys and others that are no text', 'a\u001b[D\u001bOHb\u001b[200~c\u0001\t\r', 'abc'],
    ['with blanks around it', '  a b \r', 'a b'],
    ['with nothing', '\r', ''],
  ])('%s is what is left', async (_, keys, expected) => {
    const { ask, type } = terminal()
    const answer = ask('? ')
    type(keys)
    expect(await answer).toBe(expected)
  })

  test('in letters of several bytes may come in pieces', async () => {
    const { ask, type, shown } = terminal()
    const answer = ask('? ')
    const bytes = Buffer.from('ü证\r')
    for (const byte of bytes) type(Buffer.of(byte))
    expect(await answer).toBe('ü证')
    expect(shown()).toBe('? ü证\n')
  })
})

describe('nobody answers', () => {
  test.each([
    ['Ctrl-C', 'a\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('at %s: that is an interruption', async (_, keys) => {
    const { ask, type } = terminal()
    const answer = ask('? ')
    type(keys)
    await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED', exit: 75 })
  })

  test('at the end of the input', async () => {
    const { ask, keys } = terminal()
    const answer = ask('? ')
    keys.end()
    await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

test('the terminal is as it was after every question, however it ended', async () => {
  const { ask, type, modes } = terminal()
  const answer = ask('? ')
  type('\r')
  await answer
  const broken = ask('? ')
  type('\u0003')
  await broken.catch(() => undefined)
  expect(modes).toEqual([true, false, true, false])
})
