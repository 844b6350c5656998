/** An HTTP proxy that refuses, breaks or is missing: nothing passes, and everything does once it works. */
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../fixtures/random.ts'
import { SEED, times } from '../run.ts'
import {
  type CertbotLineages,
  chosen,
  expectLogged,
  issueLineages,
  openServiceFixture,
  reportResults,
  startIdleClock,
  sumResults,
} from './fixture.ts'
import { trustedServer } from './trustedServer.ts'

const HOST = 'ssl.tencentcloudapi.com'

interface BadProxy {
  readonly fault: string
  readonly how: string
  readonly code: 'NETWORK' | 'REPLY_UNREADABLE'
  readonly says: string
  /** Deals with a CONNECT in place of the tunnel; nothing listens where it is absent. */
  readonly onConnect?: (socket: Socket) => unknown
}

const [BROKEN, CUT] = [
  'the connection broke (ECONNRESET)',
  'the proxy broke the connection (UND_ERR_PRX_CONN)',
]

const bad = (
  fault: string,
  how: string,
  says: string,
  onConnect: (socket: Socket) => unknown,
  code: BadProxy['code'] = 'NETWORK',
): BadProxy => ({ fault: `proxy: ${fault}`, how: `${how} in answer to CONNECT`, code, says, onConnect })

const PROXIES: readonly BadProxy[] = [
  ...['403 Forbidden', '407 Proxy Authentication Required', '502 Bad Gateway', '503 Service Unavailable'].map(
    status =>
      bad(status, 'said so', `the proxy refused to connect (UND_ERR_ABORTED ${status.slice(0, 3)})`, socket =>
        socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`),
      ),
  ),
  bad('closes', 'FIN', CUT, socket => socket.end()),
  bad('resets', 'RST', BROKEN, socket => socket.resetAndDestroy()),
  bad('breaks the tunnel', '200, then RST,', BROKEN, socket =>
    socket.write('HTTP/1.1 200 OK\r\n\r\n', () => socket.resetAndDestroy()),
  ),
  bad(
    'another protocol',
    'the greeting of an SSH server',
    'it is not HTTP (HTTPParserError)',
    socket => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
    'REPLY_UNREADABLE',
  ),
  {
    fault: 'proxy: is not there',
    how: 'nothing listens at its address',
    code: 'NETWORK',
    says: 'nothing listens there (ECONNREFUSED 127.0.0.1:',
  },
]

const random = seededRandom(SEED)
const { host } = await trustedServer(HOST)
let lineages: CertbotLineages
beforeAll(async () => {
  lineages = await issueLineages(times(2, 12))
})

/** Its tunnels lead to `port()`, whatever name is asked for. */
async function startHttpProxy(port: () => number, intercept: (socket: Socket) => boolean) {
  const received: string[] = []
  const server = createServer()
  server.on('connect', ({ headers, url }, socket: Socket) => {
    socket.on('error', () => {})
    received.push(`${url} ${JSON.stringify(headers)}`)
    if (intercept(socket)) return
    const tunnel = connect(port(), '127.0.0.1')
    tunnel.on('error', () => socket.destroy())
    socket
      .on('close', () => tunnel.destroy())
      .on('data', (data: Buffer) => received.push(data.toString('latin1')))
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    socket.pipe(tunnel).pipe(socket)
  })
  const listen = (port: number) => new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port: own } = server.address() as AddressInfo
  const stop = () => new Promise(resolve => server.close(resolve))
  onTestFinished(() => void stop())
  return { port: own, received: () => received.join('\n'), stop, restart: () => listen(own) }
}

/** How long the fault may last in the second run, in milliseconds; a run waits for 90 s. */
const LONGEST = 30_000

async function testOnce({ code, says, onConnect }: BadProxy) {
  const clock = startIdleClock()
  let until = Number.POSITIVE_INFINITY
  const httpProxy = await startHttpProxy(
    () => proxy.port,
    socket => {
      if (clock.monotonic() >= until) return false
      onConnect?.(socket)
      return true
    },
  )
  const { sync, proxy, results, addText } = await openServiceFixture({
    lineages,
    time: clock,
    random,
    host,
    endpoint: () => `https://${HOST}`,
    env: { HTTPS_PROXY: `http://127.0.0.1:${httpProxy.port}` },
  })
  if (!onConnect) await httpProxy.stop()
  const first = await clock.until(sync())
  expect(first.exit).toBe(75)
  const failed = first.events('failed')[0]
  expect(failed).toMatchObject({ level: 'error', msg: expect.stringContaining(says) })
  expectLogged(first.lines, { code })
  expect(proxy.connections()).toBe(0)

  const duration = random() * LONGEST
  until = clock.monotonic() + duration
  const restarted = onConnect ? undefined : clock.wait(duration).then(httpProxy.restart)
  expect((await clock.until(sync())).exit).toBe(0)
  await restarted
  expect(proxy.arrivals).toHaveLength(lineages.names.length)
  addText(httpProxy.received())
  return results()
}

test.each(chosen(PROXIES, random))('$fault: nothing arrives until it works', async proxy => {
  const rounds = times(1, 2)
  const sum = await sumResults(rounds, () => testOnce(proxy))
  reportResults(proxy, rounds * lineages.names.length, sum)
})
