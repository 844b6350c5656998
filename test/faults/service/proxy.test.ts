/** A proxy on the way that refuses, breaks or is not there: nothing passes it, and everything does when it is well. */
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { issue } from '../../fixtures/certificates.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { promised, SEED, times } from '../run.ts'
import { chosen, expectTold, summed } from './endurance.ts'
import { openClock } from './idleClock.ts'
import { type Forest, plant } from './lineageFixtures.ts'
import type { Ledger } from './results.ts'
import { openFarStage } from './serviceFixture.ts'

const HOST = 'ssl.tencentcloudapi.com'

interface BadProxy {
  readonly fault: string
  readonly how: string
  readonly code: 'NETWORK' | 'REPLY_UNREADABLE'
  readonly says: string
  /** Deals with a CONNECT in place of the tunnel; a proxy without it is not even there. */
  readonly meet?: (socket: Socket) => unknown
}

const [BREAKS, CUT] = [
  'the connection broke (ECONNRESET)',
  'the proxy broke the connection (UND_ERR_PRX_CONN)',
]
const bad = (fault: string, how: string, says: string, meet: NonNullable<BadProxy['meet']>): BadProxy => ({
  fault: `proxy: ${fault}`,
  how: `${how} in answer to CONNECT`,
  code: 'NETWORK',
  says,
  meet,
})
const refusing = (status: string) =>
  bad(status, 'said so', `the proxy refused to connect (UND_ERR_ABORTED ${status.slice(0, 3)})`, socket =>
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`),
  )

const PROXIES: readonly BadProxy[] = [
  refusing('403 Forbidden'),
  refusing('407 Proxy Authentication Required'),
  refusing('502 Bad Gateway'),
  refusing('503 Service Unavailable'),
  bad('closes', 'FIN', CUT, socket => socket.end()),
  bad('resets', 'RST', BREAKS, socket => socket.resetAndDestroy()),
  bad('breaks the tunnel', '200, then RST,', BREAKS, socket =>
    socket.write('HTTP/1.1 200 OK\r\n\r\n', () => socket.resetAndDestroy()),
  ),
  {
    ...bad('another protocol', 'the greeting of an SSH server', 'it is not HTTP (HTTPParserError)', socket =>
      socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
    ),
    code: 'REPLY_UNREADABLE',
  },
  {
    fault: 'proxy: is not there',
    how: 'nothing listens at its address',
    code: 'NETWORK',
    says: 'nothing listens there (ECONNREFUSED 127.0.0.1:',
  },
]

const dice = seededDice(SEED)
const trusted = getCACertificates('default')
const own = await issue({ names: [HOST] })
let forest: Forest

beforeAll(async () => {
  forest = await plant(times(2, 12))
  setDefaultCACertificates([...trusted, own.root])
})
afterAll(() => setDefaultCACertificates(trusted))

/** Whatever name is asked for, the tunnel leads to `port()`. */
async function openProxy(port: () => number, meet: (socket: Socket) => boolean) {
  const seen: string[] = []
  const server: Server = createServer()
  server.on('connect', ({ headers, url }, socket: Socket) => {
    socket.on('error', () => {})
    seen.push(`${url} ${JSON.stringify(headers)}`)
    if (meet(socket)) return
    const tunnel = connect(port(), '127.0.0.1')
    tunnel.on('error', () => socket.destroy())
    socket
      .on('close', () => tunnel.destroy())
      .on('data', (data: Buffer) => seen.push(data.toString('latin1')))
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    socket.pipe(tunnel).pipe(socket)
  })
  const listen = (port: number) => new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port: own } = server.address() as AddressInfo
  const leave = () => new Promise(resolve => server.close(resolve))
  onTestFinished(() => void leave())
  return { port: own, seen: () => seen.join('\n'), leave, comeBack: () => listen(own) }
}

/** Milliseconds; a pass is patient for 90 s. */
const LONGEST = 30_000

async function once({ code, says, meet }: BadProxy): Promise<Ledger> {
  const clock = openClock()
  let until = Number.POSITIVE_INFINITY
  const proxy = await openProxy(
    () => front.port,
    socket => {
      if (clock.monotonic() >= until) return false
      meet?.(socket)
      return true
    },
  )
  const { sync, front, ledger, overheard } = await openFarStage({
    forest,
    time: clock,
    dice,
    host: listener => createSecureServer({ cert: own.chain, key: own.key }, listener),
    endpoint: () => `https://${HOST}`,
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` },
  })
  if (!meet) await proxy.leave()
  const first = await clock.until(sync())
  expect(first.exit).toBe(75)
  const failed = first.said('failed')[0]
  expect(failed).toMatchObject({ level: 'error', msg: expect.stringContaining(says) })
  expectTold(first.lines, { code })
  expect(front.connections()).toBe(0)

  const lasts = dice() * LONGEST
  until = clock.monotonic() + lasts
  const mended = meet ? undefined : clock.wait(lasts).then(proxy.comeBack)
  expect((await clock.until(sync())).exit).toBe(0)
  await mended
  expect(front.arrivals).toHaveLength(forest.names.length)
  overheard(proxy.seen())
  return ledger()
}

test.each(chosen(PROXIES, dice))('$fault', async proxy => {
  const rounds = times(1, 2)
  const sum = await summed(rounds, () => once(proxy))
  promised({ fault: proxy.fault, how: proxy.how, runs: rounds * forest.names.length, ...sum })
})
