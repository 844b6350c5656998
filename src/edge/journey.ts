/** What happened on the way of a request: whom it tried to reach, through which proxy, and how far it came. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ConnectionTrace, Hop, Tls } from '../core/journey.ts'

/** Runs the work and tells of every connection that undici tried meanwhile; `at` is the host the work is meant for. */
export async function traceConnection<T>(
  at: string,
  work: () => Promise<T>,
): Promise<{ readonly journey: ConnectionTrace; readonly ended: PromiseSettledResult<T> }> {
  const hops = new Map<string, Hop>()
  let tunnel = false
  const note = (host: string, more: Partial<Hop>) =>
    hops.set(host, { ...notConnected(host), ...hops.get(host), ...more })
  const listeners = {
    'undici:client:beforeConnect': ({ connectParams }: Event) => void note(connectParams.host, {}),
    'undici:client:connected': ({ connectParams, socket }: Event) =>
      void note(connectParams.host, connected(socket)),
    'undici:client:connectError': ({ connectParams, error }: Event) =>
      void note(connectParams.host, { error: error?.code ?? error?.name ?? 'unknown' }),
    'undici:proxy:connected': () => {
      tunnel = true
    },
  }
  const channels = Object.entries(listeners) as ReadonlyArray<[string, (message: unknown) => void]>
  for (const [name, listener] of channels) subscribe(name, listener)
  try {
    const [ended] = await Promise.allSettled([work()])
    const proxy = [...hops.values()].find(({ host }) => host !== at)
    return { journey: { service: hops.get(at) ?? notConnected(at), proxy, tunnel }, ended }
  } finally {
    for (const [name, listener] of channels) unsubscribe(name, listener)
  }
}

const notConnected = (host: string): Hop => ({ host, reached: false })

interface Event {
  readonly connectParams: { readonly host: string }
  readonly socket?: Socket
  readonly error?: NodeJS.ErrnoException
}

function connected(socket: Socket | undefined): Partial<Hop> {
  const secure = socket && 'getPeerCertificate' in socket ? (socket as TLSSocket) : undefined
  return { reached: true, address: socket?.remoteAddress, tls: secure && tlsOf(secure) }
}

function tlsOf(socket: TLSSocket): Tls {
  const { issuer, valid_to } = socket.getPeerCertificate()
  const name = issuer?.O ?? issuer?.CN ?? 'an issuer without a name'
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    issuer: [name].flat().join(', '),
    until: new Date(valid_to),
  }
}
