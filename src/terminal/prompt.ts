/** Asks questions at a terminal. A secret is not shown as it is typed, nor if it is pasted before the question. */
import { StringDecoder } from 'node:string_decoder'
import { Fault } from '../errors.ts'
import type { Ask } from '../processContext.ts'

/** The part of process.stdin that is used. */
export interface InputStream {
  readonly setRawMode: (raw: boolean) => unknown
  readonly on: (event: 'data' | 'end', listener: (part: Buffer) => void) => unknown
  readonly off: (event: 'data' | 'end', listener: (part: Buffer) => void) => unknown
  readonly resume: () => unknown
  readonly pause: () => unknown
}

const ESCAPE = '\u001b'

/** Escape sequences: arrow keys and the like. */
const SEQUENCES = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*[ -/]*[@-~]|O.|.)?`, 'g')

const ENTER = /[\r\n]/

const CTRL_C = '\u0003'

const CTRL_D = '\u0004'

const CTRL_U = '\u0015'

const RUBOUT = /[\b\u007f]/

/**
 * One question at a time. The terminal's own echo is off meanwhile, and what was pasted beyond the answer is kept, unshown,
 * for the next question. @throws Fault INTERRUPTED at Ctrl-C and at the end of the input.
 */
export function createPrompt(input: InputStream, output: { readonly write: (text: string) => unknown }): Ask {
  const decoder = new StringDecoder()
  let ahead = ''
  return async (question, hidden = false) => {
    output.write(question)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const leave = () => reject(new Fault('INTERRUPTED', 'nothing was answered, and nothing was changed'))
    const editor = openEditor(hidden ? () => {} : text => output.write(text))
    const take = () => {
      for (const [i, key] of [...ahead].entries()) {
        if (key === CTRL_C || (key === CTRL_D && editor.line() === '')) return leave()
        if (!ENTER.test(key)) editor.press(key)
        else {
          ahead = [...ahead]
            .slice(i + 1)
            .join('')
            .replace(/^\n/, '')
          return resolve(editor.line())
        }
      }
      ahead = ''
    }
    const hear = (part: Buffer) => {
      ahead += decoder.write(part).replace(SEQUENCES, '')
      take()
    }
    input.setRawMode(true)
    input.on('data', hear)
    input.on('end', leave)
    input.resume()
    take()
    try {
      return (await promise).trim()
    } finally {
      input.off('data', hear)
      input.off('end', leave)
      input.pause()
      input.setRawMode(false)
      output.write('\n')
    }
  }
}

/** The line that is being typed. */
function openEditor(echo: (text: string) => void) {
  let keys: readonly string[] = []
  const rubOut = (count: number) => {
    echo('\b \b'.repeat(count))
    keys = keys.slice(0, keys.length - count)
  }
  return {
    line: () => keys.join(''),
    press: (key: string) => {
      if (RUBOUT.test(key)) rubOut(Math.min(1, keys.length))
      else if (key === CTRL_U) rubOut(keys.length)
      else if (!/\p{Cc}/u.test(key)) {
        keys = [...keys, key]
        echo(key)
      }
    },
  }
}
