/** Asks questions at a terminal. A secret is not shown as it is typed, nor if it is pasted before the question. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Fault } from '../errors.ts'
import type { Ask, Output } from '../processContext.ts'

type InputStream = NodeJS.ReadableStream & { readonly setRawMode: (raw: boolean) => unknown }

/**
 * One question at a time. Lines that were typed or pasted ahead answer the next questions.
 * @throws Fault INTERRUPTED at Ctrl-C and at the end of the input.
 */
export function createPrompt(input: InputStream, output: Pick<Output, 'write' | 'columns'>): Ask {
  let isShown = false
  const echo = new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => {
      if (isShown) output.write(text)
      done()
    },
  })
  const lines = createInterface({
    input,
    output: Object.assign(echo, { columns: output.columns }),
    terminal: true,
    // an arrow key must not bring back a secret
    historySize: 0,
  })
  const answers: string[] = []
  let wake = () => {}
  let isOpen = true
  lines.on('line', line => {
    // what follows in the same paste may be a secret
    isShown = false
    answers.push(line)
    wake()
  })
  lines.on('SIGINT', () => lines.close())
  lines.on('close', () => {
    isOpen = false
    wake()
  })
  return async (question, hidden = false) => {
    const answered = new Promise<void>(resolve => {
      wake = resolve
    })
    const isEchoed = !hidden && !answers.length && isOpen
    isShown = isEchoed
    if (isEchoed) {
      lines.setPrompt(question)
      lines.prompt(true)
    } else output.write(question)
    if (!answers.length && isOpen) {
      input.setRawMode(true)
      lines.resume()
      await answered
    }
    // readline ends the lines that it shows
    isShown = false
    if (!isEchoed || !isOpen) output.write('\n')
    if (isOpen) lines.pause()
    input.setRawMode(false)
    const answer = answers.shift()
    if (answer === undefined)
      throw new Fault('INTERRUPTED', 'nothing was answered, and nothing was changed', {
        advice: 'Start it again when you know the answer: certferry setup.',
      })
    return answer.trim()
  }
}
