/** Asks a person at a terminal. What is secret is not shown as it is typed. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Fault } from '../core/fault.ts'
import type { Ask } from '../world.ts'

/** Takes the echo and swallows it. */
const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })

/** @throws Fault INTERRUPTED at Ctrl-C and at the end of the input. */
export const asking =
  (input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Ask =>
  async (question, hidden = false) => {
    output.write(question)
    const lines = createInterface({ input, output: hidden ? nowhere() : output, terminal: true })
    const { promise, reject } = Promise.withResolvers<never>()
    const leave = () => reject(new Fault('INTERRUPTED', 'nothing was answered, and nothing was changed'))
    lines.once('SIGINT', leave).once('close', leave)
    try {
      return (await Promise.race([lines.question(''), promise])).trim()
    } finally {
      lines.off('close', leave).close()
      promise.catch(() => {}) // the question was answered: nobody waits for this one any more
      if (hidden) output.write('\n')
    }
  }
