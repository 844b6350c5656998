/** A server that cannot prove its identity, or does not speak TLS: it receives nothing, and the next one that can receives everything. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { beforeAll, expect, test } from 'vitest'
import { authority, issue, type Pair, selfSigned } from '../../fixtures/certificates.ts'
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

const DAY = 86_400_000
const names = ['localhost']

interface BadServer {
  readonly fault: string
  readonly how: string
  /** The message of the fault. */
  readonly says: RegExp
  /** Deals with a connection in place of the honest server. */
  readonly onConnection: (socket: Socket) => unknown
}

const random = seededRandom(SEED)
const { own, host } = await trustedServer('localhost')
let lineages: CertbotLineages
beforeAll(async () => {
  lineages = await issueLineages(times(2, 12))
})

/** What bad servers received inside TLS. */
const received: string[] = []

/** Speaks TLS with another certificate, or in an older version. */
function speakTls(make: () => Promise<Pick<Pair, 'chain' | 'key'>>, options: object = {}) {
  let context: ReturnType<typeof createSecureContext> | undefined
  return async (socket: Socket) => {
    const { chain, key } = await make()
    context ??= createSecureContext({ cert: chain, key, ...options })
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
    secure.on('error', () => {}).on('data', (data: Buffer) => received.push(data.toString('latin1')))
  }
}

const CERTIFICATES: ReadonlyArray<readonly [string, RegExp, () => Promise<Pick<Pair, 'chain' | 'key'>>]> = [
  [
    'expired',
    /: it has expired \(CERT_HAS_EXPIRED\)$/,
    () => issue({ names, notBefore: new Date(0), notAfter: new Date(Date.now() - DAY) }),
  ],
  [
    'not valid yet',
    /: it is not valid yet \(CERT_NOT_YET_VALID\)$/,
    () => issue({ names, notBefore: new Date(Date.now() + DAY), notAfter: new Date(Date.now() + 2 * DAY) }),
  ],
  [
    'wrong host',
    /: it is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    () => issue({ names: ['ssl.example.com'] }),
  ],
  [
    'unknown CA',
    /: its certificate authority is not trusted here \(/,
    async () => issue({ names, authority: await authority('a stranger') }),
  ],
  ['self-signed', /: it is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/, () => selfSigned({ names })],
  [
    'issuer not sent',
    /: its issuer was not sent \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    async () => ({ ...own, chain: own.leaf }),
  ],
]

const BAD_SERVERS: readonly BadServer[] = [
  ...CERTIFICATES.map(([name, says, make]) => ({
    fault: `TLS: ${name}`,
    how: 'shown at each handshake',
    says,
    onConnection: speakTls(make),
  })),
  {
    fault: 'TLS: 1.1 at most',
    how: 'offered at each handshake',
    says: /the TLS handshake failed/,
    onConnection: speakTls(async () => own, {
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
  },
  {
    fault: 'TLS: plain HTTP',
    how: 'spoken in its place',
    says: /the TLS handshake failed/,
    onConnection: socket => once(socket, 'data').then(() => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  },
  {
    fault: 'TLS: a reset in the handshake',
    how: 'RST after the first bytes',
    says: /the connection broke/,
    onConnection: socket => once(socket, 'data').then(() => socket.resetAndDestroy()),
  },
  {
    fault: 'TLS: a close in the handshake',
    how: 'FIN after the first bytes',
    says: /the connection broke|the TLS handshake failed/,
    onConnection: socket => once(socket, 'data').then(() => socket.end()),
  },
]

/** Attempts at a server that cannot prove its identity. */
const ATTEMPTS = 3

async function testOnce({ onConnection, says }: BadServer) {
  const clock = startIdleClock()
  let bad = Number.POSITIVE_INFINITY
  const { sync, proxy, results } = await openServiceFixture({
    lineages,
    time: clock,
    random,
    host,
    endpoint: port => `https://localhost:${port}`,
    onConnection: socket => {
      if (bad-- <= 0) return false
      void onConnection(socket)
      return true
    },
  })
  const first = await clock.until(sync())
  expect(first.exit).toBe(75)
  const failed = first.events('failed')[0]
  expect(failed).toMatchObject({ level: 'error', msg: expect.stringMatching(says) })
  expectLogged(first.lines, { code: failed?.code as 'TLS' | 'NETWORK' })
  expect(proxy.arrivals).toEqual([])

  bad = Math.floor(random() * ATTEMPTS)
  expect((await clock.until(sync())).exit).toBe(0)
  expect(proxy.arrivals).toHaveLength(lineages.names.length)
  return results()
}

test.each(chosen(BAD_SERVERS, random))('$fault: nothing is sent', async server => {
  const rounds = times(1, 2)
  const sum = await sumResults(rounds, () => testOnce(server))
  expect(received).toEqual([])
  reportResults(server, rounds * lineages.names.length, sum)
})
