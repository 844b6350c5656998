/** Silence and drips at every step of a request, in real time and side by side: nothing hangs, and nothing is stored twice. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { execPath } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { sleep } from '../../../src/util/async.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { LONG, SEED, times } from '../run.ts'
import type { Injection } from './faultInjectingProxy.ts'
import {
  expectLogged,
  issueLineages,
  openServiceFixture,
  reportResults,
  type ServiceOptions,
} from './fixture.ts'
import { trustedServer } from './trustedServer.ts'

const { host } = await trustedServer('localhost')

interface Stall {
  readonly fault: string
  readonly how: string
  /** The message; undefined where the stall does no harm. */
  readonly says?: string
  readonly options: () => Promise<Partial<ServiceOptions>>
}

/** Carried out; then no more than these bytes comes, or a text again and again. */
const after =
  (bytes: string, repeated?: string): Injection =>
  async ({ forward, socket }) => {
    await forward()
    socket.write(bytes)
    if (!repeated) return
    const drip = setInterval(() => socket.write(repeated), 100)
    socket.on('close', () => clearInterval(drip))
  }

/** The honest reply, a byte at a time: slower than any link, and quick enough. */
const byteByByte: Injection = async ({ forward, socket }) => {
  const { body } = await forward()
  for (const byte of `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`) {
    socket.write(byte)
    await sleep(10)
  }
}

/** Longer than a connection is waited for, with room for a machine that is slow to begin. In milliseconds. */
const NOT_ACCEPTING_FOR = 17_000

/** A listener of a stopped process with a full queue, to which the kernel drops SYNs. It passes connections on once the process continues. */
async function startStoppedListener() {
  const script = `
    const { createServer, connect } = require('node:net')
    let to = 0
    process.stdin.on('data', text => { to = Number(text) })
    const server = createServer(socket => {
      const onward = connect(to, '127.0.0.1')
      for (const end of [socket, onward]) end.on('error', () => {})
      socket.pipe(onward).pipe(socket)
    })
    const listening = () => console.log(server.address().port)
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, listening)`
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
  const continueTo = (to: number) => {
    child.stdin.write(`${to}\n`)
    setTimeout(() => child.kill('SIGCONT'), NOT_ACCEPTING_FOR)
  }
  return { port, continueTo }
}

const stall = (fault: string, how: string, says: string | undefined, injection: Injection): Stall => ({
  fault,
  how,
  ...(says && { says }),
  // the first request is answered, so that the others are sent side by side
  options: async () => ({ inject: ({ n, times }) => (n > 1 && times === 1 ? injection : undefined) }),
})

const NO_HEADERS = 'no answer in time (UND_ERR_HEADERS_TIMEOUT)'
const NO_CONNECTION = 'no answer in time (UND_ERR_CONNECT_TIMEOUT)'
const HALF_BODY = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"Resp'

const STALLS: readonly Stall[] = [
  stall('stall before the header', 'carried out, then silence', NO_HEADERS, after('')),
  stall(
    'stall within the header',
    'carried out, half a header, then silence',
    NO_HEADERS,
    after('HTTP/1.1 200'),
  ),
  stall(
    'stall within the body',
    'carried out, half a body, then silence',
    'no answer in time (UND_ERR_BODY_TIMEOUT)',
    after(HALF_BODY),
  ),
  stall('slow drip', 'the honest answer, a byte every 10 ms', undefined, byteByByte),
  {
    fault: 'stall at connect, in the TLS handshake',
    how: 'the connection is taken, then silence',
    says: NO_CONNECTION,
    options: async () => ({
      host,
      endpoint: port => `https://localhost:${port}`,
      // the first two: on a quick machine one connection serves all later requests
      onConnection: (_, n) => n <= 2,
    }),
  },
  {
    fault: 'stall at connect',
    how: 'no answer to SYN: a stopped listener, its queue full',
    says: NO_CONNECTION,
    options: async () => {
      const listener = await startStoppedListener()
      return {
        endpoint: port => {
          listener.continueTo(port)
          return `http://127.0.0.1:${listener.port}`
        },
      }
    },
  },
]

/** Each lasts half a minute: then the whole exchange is aborted, whatever still comes. */
const ENDLESS: readonly Stall[] = [
  stall(
    'endless drip',
    'carried out, then a blank every 100 ms for ever',
    'no answer in time (TimeoutError)',
    after('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', ' '),
  ),
  stall(
    'endless header',
    'carried out, then a header line every 100 ms for ever',
    'no answer in time (',
    after('HTTP/1.1 200 OK\r\n', 'x-more: of the same\r\n'),
  ),
  stall(
    'endless interim answers',
    'carried out, then 102 Processing every 100 ms for ever',
    'no answer in time (',
    after('', 'HTTP/1.1 102 Processing\r\n\r\n'),
  ),
]

async function testStall({ fault, how, says, options }: Stall): Promise<void> {
  const lineages = await issueLineages(times(3, 10))
  const { sync, proxy, results } = await openServiceFixture({
    lineages,
    time: { wait: sleep, monotonic: () => performance.now(), now: Date.now },
    random: seededRandom(SEED),
    ...(await options()),
  })
  const { exit, lines, events } = await sync()
  expect(exit).toBe(0)
  const retries = events('retry')
  if (says) expect(retries.length).toBeGreaterThanOrEqual(Math.max(1, proxy.injected()))
  else expect(retries).toEqual([])
  for (const line of retries) expect(line.msg).toContain(says)
  expectLogged(lines, { code: 'TIMEOUT' })
  reportResults({ fault, how }, lineages.names.length, await results())
}

test('a stall at any step of a request ends with a retry', { timeout: 120_000 }, async () => {
  await Promise.all([...STALLS, ...(LONG ? ENDLESS : [])].map(testStall))
})
