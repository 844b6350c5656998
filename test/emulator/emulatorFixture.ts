/** An emulator for one test, closed when the test is over. */
import { onTestFinished } from 'vitest'
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts'
import { ask, NOON, type Question, type Reply } from './client.ts'

export interface Running extends Emulator {
  readonly ask: (question?: Question) => Promise<Reply>
  readonly call: (action: string, body?: object, question?: Question) => Promise<Reply>
}

export async function running(options: EmulatorOptions = {}): Promise<Running> {
  const emulator = await startEmulator({ now: () => NOON, rate: Number.POSITIVE_INFINITY, ...options })
  onTestFinished(emulator.close)
  return {
    ...emulator,
    ask: question => ask(emulator.url, question),
    call: (action, body, question) => ask(emulator.url, { ...question, action, body: body ?? {} }),
  }
}
