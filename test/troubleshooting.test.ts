/** Troubleshooting has a line for every fault, in the words of the program. */
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { FAULTS, Fault, type FaultCode } from '../src/errors.ts'
import { apiFault } from '../src/tencent/errorCodes.ts'

const page = await readFile('docs/troubleshooting.md', 'utf8')
const names = (await readdir('src', { recursive: true })).filter(name => name.endsWith('.ts'))
const source = (await Promise.all(names.map(name => readFile(`src/${name}`, 'utf8')))).join('\n')

/** `code` · what it says or the service's codes · what to do · exit */
const rows = Array.from(
  page.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (.+) \| (\d+) \|$/gm),
  ([, code = '', says = '', advice = '', exit = '']) => ({ code, says, advice, exit: Number(exit) }),
)
const quotes = rows.flatMap(({ code, says }) =>
  Array.from(says.matchAll(/`([^`]+)`/g), ([, text = '']) => ({ code, text })),
)

test('every fault has one line', () => {
  expect(rows.map(({ code }) => code).toSorted()).toEqual(Object.keys(FAULTS).toSorted())
})

describe('the advice and the exit code are those of the program', () => {
  test.each(rows)('$code', ({ code, advice, exit }) => {
    expect({ advice, exit }).toEqual({
      advice: FAULTS[code as FaultCode].advice,
      exit: new Fault(code as FaultCode, 'x').exit,
    })
  })
})

describe('what it says is what the program says', () => {
  test.each(quotes.filter(({ code }) => !code.startsWith('API_')))('$code: $text', ({ text }) => {
    const pieces = text.split('…').filter(piece => /[a-z]{3}/.test(piece))
    expect(pieces.filter(piece => !source.includes(piece.trim()))).toEqual([])
  })

  test.each(quotes.filter(({ code }) => code.startsWith('API_')))('$code: $text', ({ code, text }) => {
    expect(apiFault(text, '', undefined).code).toBe(code)
  })
})
