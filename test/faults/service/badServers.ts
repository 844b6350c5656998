/** Ends of a connection that cannot prove who they are, or do not speak TLS as they should. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { authority, issue, type Pair, selfSigned } from '../../fixtures/certificates.ts'

const DAY = 86_400_000
const names = ['localhost']

export interface BadEnd {
  readonly fault: string
  readonly how: string
  /** What the message says is wrong. */
  readonly says: RegExp
  /** Deals with a connection in place of the honest end. */
  readonly greet: (socket: Socket) => unknown
}

/** What bad ends were told inside TLS: nothing, if all is well. */
export const overheard: string[] = []

/** Speaks TLS with another certificate, or in an older way. */
const speaking = (make: () => Promise<Pick<Pair, 'chain' | 'key'>>, options: object = {}) => {
  let context: ReturnType<typeof createSecureContext> | undefined
  return async (socket: Socket) => {
    const { chain, key } = await make()
    context ??= createSecureContext({ cert: chain, key, ...options })
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
    secure.on('error', () => {}).on('data', (data: Buffer) => overheard.push(data.toString('latin1')))
  }
}

const certificate = (
  fault: string,
  says: RegExp,
  make: () => Promise<Pick<Pair, 'chain' | 'key'>>,
): BadEnd => ({
  fault: `TLS: ${fault}`,
  how: 'shown at each handshake',
  says,
  greet: speaking(make),
})

/** The honest end's. */
export const own = await issue({ names })

export const BAD_ENDS: readonly BadEnd[] = [
  certificate('expired', /: it has expired \(CERT_HAS_EXPIRED\)$/, () =>
    issue({ names, notBefore: new Date(0), notAfter: new Date(Date.now() - DAY) }),
  ),
  certificate('not valid yet', /: it is not valid yet \(CERT_NOT_YET_VALID\)$/, () =>
    issue({ names, notBefore: new Date(Date.now() + DAY), notAfter: new Date(Date.now() + 2 * DAY) }),
  ),
  certificate('wrong host', /: it is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)$/, () =>
    issue({ names: ['ssl.example.com'] }),
  ),
  certificate('unknown CA', /: its certificate authority is not trusted here \(/, async () =>
    issue({ names, authority: await authority('a stranger') }),
  ),
  certificate('self-signed', /: it is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/, () =>
    selfSigned({ names }),
  ),
  certificate(
    'issuer not sent',
    /: its issuer was not sent \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    async () => ({
      ...own,
      chain: own.leaf,
    }),
  ),
  {
    fault: 'TLS: 1.1 at most',
    how: 'offered at each handshake',
    says: /the TLS handshake failed/,
    greet: speaking(async () => own, {
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
  },
  {
    fault: 'TLS: plain HTTP',
    how: 'spoken in its place',
    says: /the TLS handshake failed/,
    greet: socket => once(socket, 'data').then(() => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  },
  {
    fault: 'TLS: a reset in the handshake',
    how: 'RST after the first bytes',
    says: /the connection broke/,
    greet: socket => once(socket, 'data').then(() => socket.resetAndDestroy()),
  },
  {
    fault: 'TLS: a close in the handshake',
    how: 'FIN after the first bytes',
    says: /the connection broke|the TLS handshake failed/,
    greet: socket => once(socket, 'data').then(() => socket.end()),
  },
]
