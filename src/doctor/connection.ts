/** The connection to the service, step by step: name, connection, TLS, answer. The first step that fails is named. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Fault } from '../errors.ts'
import { accountFindings, isAccountError } from './account.ts'
import { type Finding, failure, ok, skipped } from './finding.ts'
import type { CheckContext } from './run.ts'

/** A host that undici connected to, or tried to. */
interface Hop {
  /** As in a URL: with the port, where it is not the usual one. */
  readonly host: string
  /** Connected, and with TLS, trusted. */
  readonly reached: boolean
  readonly address?: string | undefined
  /** Protocol and certificate. */
  readonly tls?: string | undefined
  /** The code of the last failure. */
  readonly error?: string
}

export interface ConnectionTrace {
  readonly service: Hop
  readonly proxy?: Hop | undefined
  /** The proxy let the request through. */
  readonly tunnel: boolean
  readonly fault?: Fault | undefined
  /** Milliseconds until the answer. */
  readonly took: number
  readonly secure: boolean
}

export function connectionFindings(trace: ConnectionTrace): readonly Finding[] {
  const { service, proxy, fault, took, secure } = trace
  const first = proxy ?? service
  const name = first.host.replace(/:\d+$/, '')
  const isResolved = first.address !== undefined && first.address !== name.replace(/[[\]]/g, '')
  const steps = [
    {
      about: 'name',
      success: isResolved ? `${name} is ${first.address}` : `${name}: no lookup needed`,
      advice: `Correct the name of the ${proxy ? 'proxy' : 'endpoint'}, or fix name resolution on this machine.`,
      command: `getent ahosts ${name}`,
    },
    {
      about: proxy ? 'proxy' : 'connection',
      success: proxy ? `${service.host} through the proxy ${proxy.host}` : `connected to ${service.host}`,
      advice: proxy
        ? 'Correct [tencent] proxy or HTTPS_PROXY, or allow this machine on the proxy.'
        : 'Allow the connection in the firewall, or set a proxy: [tencent] proxy.',
      command: `curl -sv ${proxy ? `--proxy ${proxy.host} ` : ''}${secure ? 'https' : 'http'}://${service.host}/`,
    },
    {
      about: 'TLS',
      success: secure ? (service.tls ?? 'a secure connection') : 'none: plain http to this machine',
      command: `openssl s_client -brief ${proxy ? `-proxy ${proxy.host} ` : ''}-connect ${withPort(service)} </dev/null`,
    },
    { about: 'answer', success: `${service.host} answered in ${Math.round(took)} ms` },
  ]
  const failed = fault ? failedStep(trace, fault) : steps.length
  return steps.map(({ about, success, ...fix }, step) => {
    if (step > failed) return skipped(about, 'not reached')
    return fault && step === failed
      ? failure(about, fault, { advice: fault.advice, ...fix })
      : ok(about, success)
  })
}

const withPort = ({ host }: Hop) => (/:\d+$/.test(host) ? host : `${host}:443`)

const NAME_ERRORS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME', 'ENODATA'])

function failedStep({ service, proxy, tunnel }: ConnectionTrace, { code }: Fault): number {
  if (NAME_ERRORS.has(proxy?.error ?? service.error ?? '')) return 0
  if (proxy && !tunnel) return 1
  if (code === 'TLS') return 2
  return service.reached ? 3 : 1
}

interface ConnectEvent {
  readonly connectParams: { readonly host: string }
  readonly socket?: Socket | TLSSocket
  readonly error?: NodeJS.ErrnoException
}

/** Does the request to this host and records every connection that undici tries meanwhile. */
async function traceRequest(host: string, request: () => Promise<void>) {
  const hops = new Map<string, Hop>()
  let tunnel = false
  const record = ({ connectParams }: ConnectEvent, change: Partial<Hop>) => {
    const hop = hops.get(connectParams.host) ?? { host: connectParams.host, reached: false }
    hops.set(hop.host, { ...hop, ...change })
  }
  const listeners = new Map<string, (event: ConnectEvent) => void>([
    ['undici:client:beforeConnect', event => record(event, {})],
    ['undici:client:connected', event => record(event, connectedTo(event))],
    [
      'undici:client:connectError',
      event => record(event, { error: event.error?.code ?? event.error?.name ?? 'unknown' }),
    ],
    [
      'undici:proxy:connected',
      () => {
        tunnel = true
      },
    ],
  ])
  for (const [name, listener] of listeners) subscribe(name, listener as (event: unknown) => void)
  const started = performance.now()
  const fault = await request().then(() => undefined, asFault)
  for (const [name, listener] of listeners) unsubscribe(name, listener as (event: unknown) => void)
  return {
    service: hops.get(host) ?? { host, reached: false },
    proxy: [...hops.values()].find(hop => hop.host !== host),
    tunnel,
    fault,
    took: performance.now() - started,
  }
}

function connectedTo({ socket }: ConnectEvent): Partial<Hop> {
  const tls = socket && 'getPeerCertificate' in socket ? tlsText(socket) : undefined
  return { reached: true, address: socket?.remoteAddress, tls }
}

function tlsText(socket: TLSSocket): string {
  const { issuer, valid_to } = socket.getPeerCertificate()
  const name = [issuer?.O ?? issuer?.CN ?? 'an issuer without a name'].flat().join(', ')
  const end = new Date(valid_to)
  const until = Number.isNaN(end.getTime()) ? '' : `, valid until ${end.toISOString().slice(0, 10)}`
  return `${socket.getProtocol() ?? 'TLS'}, certificate by ${name}${until}`
}

export async function connection({ app }: CheckContext): Promise<readonly Finding[]> {
  const { endpoint } = app.settings
  const uploader = await app.uploader()
  const credentials = await uploader.origin().catch(asFault)
  // without credentials any answer still shows the connection and the time
  const trace = await traceRequest(endpoint.host, async () => {
    if (typeof credentials !== 'string') return uploader.client.ping()
    // listing one certificate changes nothing
    await uploader.client.call('DescribeCertificates', { Limit: 1 })
  })
  const refusal = trace.fault && isAccountError(trace.fault) ? trace.fault : undefined
  const fault = refusal ? undefined : trace.fault
  return [
    ...connectionFindings({ ...trace, fault, secure: endpoint.protocol === 'https:' }),
    ...accountFindings({
      reached: !fault,
      offset: uploader.client.offset(),
      credentials,
      refusal,
      lastUpload: await lastUpload(app),
    }),
  ]
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

/** Only an upload proves the permission to upload: the time of the last one. */
async function lastUpload({ receipts, settings }: CheckContext['app']): Promise<string | undefined> {
  const known = await receipts.all().catch(() => [])
  const uploads = known.flatMap(({ uploaded }) => uploaded ?? [])
  const here = uploads.filter(({ endpoint }) => endpoint === settings.endpoint.hostname)
  return here
    .map(({ uploadedAt }) => uploadedAt)
    .sort()
    .at(-1)
}
