/** A real TLS server on loopback that shows for each name the certificate on which its resource stands. */
import { constants } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { servedFor, type View } from './account.ts'
import type { CloudAccount } from './state.ts'
import type { StoredCertificate } from './store.ts'

/** `hang` accepts and says nothing; a pair of texts is a stranger's certificate. */
export type EdgeFault =
  | 'refuse'
  | 'hang'
  | 'reset'
  | 'plain-http'
  | 'handshake-failure'
  | 'tls-1.2'
  | { readonly chain: string; readonly key: string }

/** Everywhere if neither is given. */
export interface EdgePlace {
  readonly host?: string
  readonly address?: string
}

export interface EdgeOptions {
  /** Each is a node of its own; default 127.0.0.1. All have the same port. */
  readonly addresses?: readonly string[]
  readonly port?: number
}

export interface Edge {
  readonly port: number
  readonly addresses: readonly string[]
  /** Replaces the fault of the same place; undefined takes it away. `refuse` is for an address or for all. */
  readonly setFault: (fault: EdgeFault | undefined, place?: EdgePlace) => Promise<void>
  /** How long after its resource a node changes: seconds of the service's time, or never: it keeps what it shows. */
  readonly setLag: (seconds: number | 'never', address?: string) => void
  /** The IDs of what a client would be shown; two if it may choose the algorithm. */
  readonly served: (host: string, address?: string) => readonly string[]
  /** Handshakes that were answered with a certificate. */
  readonly handshakes: readonly EdgeHandshake[]
  readonly close: () => Promise<void>
}

export interface EdgeHandshake {
  readonly at: number
  readonly host: string
  readonly address: string
  readonly certificateIds: readonly string[]
}

interface PlacedFault {
  readonly fault: EdgeFault
  readonly place: EdgePlace
}

export async function startEdge(
  { account }: { readonly account: CloudAccount },
  { addresses = ['127.0.0.1'], port: wanted = 0 }: EdgeOptions = {},
): Promise<Edge> {
  let faults: readonly PlacedFault[] = []
  const views = new Map<string, View>()
  const handshakes: EdgeHandshake[] = []
  const sockets = new Set<Socket>()
  const contexts = createContexts()
  const usual = (): View => ({ lag: account.seconds(account.traps.edgeLagSeconds) })
  const served = (host: string, address = addresses[0] ?? '') =>
    servedFor(account, host, views.get(address) ?? usual())
  const faultAt = (address: string, host: string | undefined) =>
    faults.findLast(
      ({ place }) =>
        (place.address === undefined || place.address === address) &&
        (place.host === undefined || place.host === host),
    )?.fault

  const greet = (socket: Socket, address: string, hello: Buffer) => {
    const host = serverNameIn(hello)?.toLowerCase()
    const fault = faultAt(address, host)
    if (fault === 'hang') return
    if (fault === 'reset') {
      socket.resetAndDestroy()
      return
    }
    const ids = host === undefined ? [] : served(host, address)
    const isForeign = typeof fault === 'object'
    const pairs = isForeign ? [fault] : ids.flatMap(id => pairOf(account.store.everStored(id)))
    const words = refusal(fault, host === undefined || pairs.length === 0)
    if (host === undefined || words !== undefined) {
      socket.end(words ?? UNRECOGNIZED_NAME)
      return
    }
    handshakes.push({
      at: account.now(),
      host,
      address,
      certificateIds: typeof fault === 'object' ? [] : ids,
    })
    socket.unshift(hello)
    serve(socket, contexts(pairs, fault === 'tls-1.2'), `${ids.join(' ')}\n`)
  }

  const accept = (address: string) => (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let hello = Buffer.alloc(0)
    const read = (chunk: Buffer) => {
      hello = Buffer.concat([hello, chunk])
      if (!isComplete(hello)) return
      socket.off('data', read)
      socket.pause()
      greet(socket, address, hello)
    }
    socket.on('data', read)
  }

  const nodes = new Map<string, Server>()
  const open = async (address: string, port: number) => {
    const server = createServer(accept(address))
    nodes.set(address, server)
    return listen(server, address, port)
  }
  /** Resolves when the last connection has ended; the port is closed at once. */
  const shut = async (address: string) => {
    const server = nodes.get(address)
    nodes.delete(address)
    if (server !== undefined) await new Promise(resolve => server.close(resolve))
  }
  let port = wanted
  for (const address of addresses) port = await open(address, port)
  return {
    port,
    addresses,
    served,
    handshakes,
    setFault: async (fault, place = {}) => {
      const isSame = (other: EdgePlace) => other.host === place.host && other.address === place.address
      const others = faults.filter(each => !isSame(each.place))
      faults = fault === undefined ? others : [...others, { fault, place }]
      for (const address of addresses) {
        const isOpen = nodes.has(address)
        const refuses = faultAt(address, undefined) === 'refuse'
        if (refuses && isOpen) void shut(address)
        if (!refuses && !isOpen) await open(address, port)
      }
    },
    setLag: (seconds, address) => {
      for (const each of address === undefined ? addresses : [address]) {
        const now = views.get(each) ?? usual()
        const frozenAt = 'lag' in now ? account.now() - now.lag : now.frozenAt
        views.set(each, seconds === 'never' ? { frozenAt } : { lag: account.seconds(seconds) })
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      for (const address of addresses) await shut(address)
    },
  }
}

const NOT_TLS = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

const alert = (description: number) => Buffer.from([0x15, 3, 3, 0, 2, 2, description])

const HANDSHAKE_FAILURE = alert(40)

const UNRECOGNIZED_NAME = alert(112)

/** What is said instead of a handshake. */
function refusal(fault: EdgeFault | undefined, isUnknown: boolean): string | Buffer | undefined {
  if (fault === 'plain-http') return NOT_TLS
  if (fault === 'handshake-failure') return HANDSHAKE_FAILURE
  return isUnknown ? UNRECOGNIZED_NAME : undefined
}

interface PemPair {
  readonly chain: string
  readonly key: string
}

const pairOf = (stored: StoredCertificate | undefined): readonly PemPair[] =>
  stored?.keyPem === undefined ? [] : [{ chain: stored.chainPem, key: stored.keyPem.reveal() }]

/** No tickets and no sessions: a resumed connection would show the certificate of the first one. */
function createContexts() {
  const known = new Map<string, SecureContext>()
  return (pairs: readonly PemPair[], isOld: boolean): SecureContext => {
    const name = JSON.stringify([pairs.map(({ chain }) => chain), isOld])
    const context =
      known.get(name) ??
      createSecureContext({
        cert: pairs.map(({ chain }) => chain),
        key: pairs.map(({ key }) => key),
        maxVersion: isOld ? 'TLSv1.2' : 'TLSv1.3',
        secureOptions: constants.SSL_OP_NO_TICKET,
      })
    known.set(name, context)
    return context
  }
}

/** Answers any request with the IDs, so that curl has something to show. */
function serve(raw: Socket, secureContext: SecureContext, text: string): void {
  const socket = new TLSSocket(raw, { isServer: true, secureContext })
  socket.on('error', () => raw.destroy())
  socket.once('data', () =>
    socket.end(
      `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    ),
  )
}

function listen(server: Server, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

// the server name in the first bytes that a TLS client sends

const HANDSHAKE = 0x16

const RECORD_HEADER = 5

/** Whether the first record is all there. What is no TLS is never. */
export const isComplete = (bytes: Buffer): boolean =>
  bytes.length >= RECORD_HEADER &&
  (bytes[0] !== HANDSHAKE || bytes.length >= RECORD_HEADER + bytes.readUInt16BE(3))

/** undefined if the client names none, or does not speak TLS. RFC 8446, section 4.1.2; RFC 6066, section 3. */
export function serverNameIn(bytes: Buffer): string | undefined {
  if (bytes[0] !== HANDSHAKE) return undefined
  try {
    let at = RECORD_HEADER + 4 + 2 + 32 // the record, the message's header, version and random
    at += 1 + bytes.readUInt8(at) // session
    at += 2 + bytes.readUInt16BE(at) // cipher suites
    at += 1 + bytes.readUInt8(at) // compression
    const end = at + 2 + bytes.readUInt16BE(at)
    at += 2
    while (at < Math.min(end, bytes.length)) {
      const length = bytes.readUInt16BE(at + 2)
      const after = at + 4 + length
      // a list with one element: its length, the kind of name, the name's length, the name
      if (bytes.readUInt16BE(at) === 0)
        return after > bytes.length ? undefined : bytes.toString('ascii', at + 9, after)
      at = after
    }
  } catch {
    // shorter than it says
  }
  return undefined
}
