/** Silence and drips, at every step of a request, and what the program says of them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createSecureServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { execPath } from 'node:process'
import { onTestFinished } from 'vitest'
import { sleep } from '../../../src/util/async.ts'
import { own } from './badServers.ts'
import type { Trouble } from './faultInjectingProxy.ts'
import type { FarWishes } from './serviceFixture.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n'

/** Carried out, and then nothing more than these bytes comes, or these again and again. */
const after =
  (bytes: string, again?: { readonly text: string; readonly every: number }): Trouble =>
  async ({ carryOut, socket }) => {
    await carryOut()
    socket.write(bytes)
    if (!again) return
    const drip = setInterval(() => socket.write(again.text), again.every)
    socket.on('close', () => clearInterval(drip))
  }

/** The honest answer, a byte at a time: slower than any link, and quick enough. */
const inDrops: Trouble = async ({ carryOut, socket }) => {
  const { body } = await carryOut()
  for (const byte of `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`) {
    socket.write(byte)
    await sleep(10)
  }
}

/** A listener that a stopped process holds, its queue full: the kernel lets SYNs fall. */
async function openDeafDoor() {
  const script = `
    const { createServer, connect } = require('node:net')
    let to = 0
    process.stdin.on('data', text => { to = Number(text) })
    const door = createServer(socket => {
      const onward = connect(to, '127.0.0.1')
      for (const end of [socket, onward]) end.on('error', () => {})
      socket.pipe(onward).pipe(socket)
    })
    door.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(door.address().port))`
  const child = spawn(execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const queue: Socket[] = []
  onTestFinished(() => {
    child.kill('SIGKILL')
    for (const socket of queue) socket.destroy()
  })
  const port = Number(String((await once(child.stdout, 'data'))[0]))
  child.kill('SIGSTOP')
  for (let i = 0; i < 4; i++) queue.push(connect(port, '127.0.0.1').on('error', () => {}))
  await sleep(100)
  return { port, leadTo: (to: number) => child.stdin.write(`${to}\n`), hear: () => child.kill('SIGCONT') }
}

/** Longer than a connection is waited for, with room for a machine that is slow to begin. */
const DEAF = 17_000

export interface Stall {
  readonly fault: string
  readonly how: string
  /** What the message says; undefined where it does no harm. */
  readonly says?: string
  readonly wishes: () => Promise<Partial<FarWishes>>
}

const stalling = (fault: string, how: string, says: string | undefined, trouble: Trouble): Stall => ({
  fault,
  how,
  ...(says && { says }),
  // the first request is answered, so that the others are under way side by side
  wishes: async () => ({ meet: ({ n, times }) => (n > 1 && times === 1 ? trouble : undefined) }),
})

const HEADERS = 'no answer in time (UND_ERR_HEADERS_TIMEOUT)'
export const STALLS: readonly Stall[] = [
  stalling('stall before the header', 'carried out, then silence', HEADERS, after('')),
  stalling(
    'stall within the header',
    'carried out, half a header, then silence',
    HEADERS,
    after('HTTP/1.1 200'),
  ),
  stalling(
    'stall within the body',
    'carried out, half a body, then silence',
    'no answer in time (UND_ERR_BODY_TIMEOUT)',
    after(`${HEAD}{"Resp`),
  ),
  stalling('slow drip', 'the honest answer, a byte every 10 ms', undefined, inDrops),
  {
    fault: 'stall at connect, in the TLS handshake',
    how: 'the connection is taken, then silence',
    says: 'no answer in time (UND_ERR_CONNECT_TIMEOUT)',
    wishes: async () => ({
      host: listener => createSecureServer({ cert: own.chain, key: own.key }, listener),
      endpoint: port => `https://localhost:${port}`,
      // the first: on a quick machine one connection serves all that come after it
      greet: (_, n) => n <= 2,
    }),
  },
]

/** Nobody so much as takes the connection, for a while. */
export const DEAFNESS: Stall = {
  fault: 'stall at connect',
  how: 'no answer to SYN: a stopped listener, its queue full',
  says: 'no answer in time (UND_ERR_CONNECT_TIMEOUT)',
  wishes: async () => {
    const door = await openDeafDoor()
    return {
      endpoint: port => {
        door.leadTo(port)
        setTimeout(door.hear, DEAF)
        return `http://127.0.0.1:${door.port}`
      },
    }
  },
}

/** Each lasts half a minute: the whole exchange is cut off then, whatever still comes. */
export const ENDLESS: readonly Stall[] = [
  stalling(
    'endless drip',
    'carried out, then a blank every 100 ms for ever',
    'no answer in time (TimeoutError)',
    after('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', { text: ' ', every: 100 }),
  ),
  stalling(
    'endless header',
    'carried out, then a header line every 100 ms for ever',
    'no answer in time (',
    after('HTTP/1.1 200 OK\r\n', { text: 'x-more: of the same\r\n', every: 100 }),
  ),
  stalling(
    'endless interim answers',
    'carried out, then 102 Processing every 100 ms for ever',
    'no answer in time (',
    after('', { text: 'HTTP/1.1 102 Processing\r\n\r\n', every: 100 }),
  ),
]
