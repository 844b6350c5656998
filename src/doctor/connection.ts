/** How far a request came on its way to the service: name, connection, TLS, answer. The first that is broken is named. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Fault } from '../errors.ts'
import { accountFindings, isAccountError } from './account.ts'
import { type Finding, failure, ok, skipped } from './finding.ts'
import type { CheckContext } from './run.ts'

/** A machine that was to be reached, and how it went. */
interface Hop {
  /** As in a URL: with the port, where it is not the usual one. */
  readonly host: string
  /** Connected, and where there is TLS, trusted. */
  readonly reached: boolean
  readonly address?: string | undefined
  readonly tls?: Tls | undefined
  /** The code of what stood in the way. */
  readonly error?: string
}

interface Tls {
  readonly protocol: string
  readonly issuer: string
  readonly until: Date
}

export interface ConnectionTrace {
  readonly service: Hop
  readonly proxy: Hop | undefined
  /** The proxy let the request through. */
  readonly tunnel: boolean
}

/** In the order of the way. */
const STEPS = ['name', 'connection', 'TLS', 'answer'] as const

type Step = (typeof STEPS)[number]

const NAMELESS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME', 'ENODATA'])

/** Where the way is broken, told by the fault and by who could not be reached. */
function brokenAt({ service, proxy, tunnel }: ConnectionTrace, { code }: Fault): Step {
  if (NAMELESS.has(proxy?.error ?? service.error ?? '')) return 'name'
  if (proxy && !tunnel) return 'connection'
  if (code === 'TLS') return 'TLS'
  return service.reached ? 'answer' : 'connection'
}

interface TraceEnd {
  readonly fault: Fault | undefined
  /** Milliseconds until the answer. */
  readonly took: number
  readonly secure: boolean
}

export function connectionFindings(
  journey: ConnectionTrace,
  { fault, took, secure }: TraceEnd,
): readonly Finding[] {
  const broken = fault ? STEPS.indexOf(brokenAt(journey, fault)) : STEPS.length
  return STEPS.map((step, i) => {
    if (i > broken) return skipped(topicOf(step, journey), 'not reached')
    if (i === broken && fault) return failureFinding(step, journey, { fault, secure })
    return ok(topicOf(step, journey), SUCCESS_TEXT[step](journey, { took, secure }))
  })
}

const topicOf = (step: Step, { proxy }: ConnectionTrace) => (step === 'connection' && proxy ? 'proxy' : step)

const nameOf = ({ host }: Hop) => host.replace(/:\d+$/, '')

type Route = Omit<TraceEnd, 'fault'>

const SUCCESS_TEXT: Readonly<Record<Step, (journey: ConnectionTrace, way: Route) => string>> = {
  name: ({ proxy, service }) => {
    const first = proxy ?? service
    const name = nameOf(first)
    return first.address === undefined || first.address === name.replace(/[[\]]/g, '')
      ? `${name}: no lookup needed`
      : `${name} is ${first.address}`
  },
  connection: ({ proxy, service }) =>
    proxy ? `${service.host} through the proxy ${proxy.host}` : `connected to ${service.host}`,
  TLS: ({ service: { tls } }, { secure }) => (secure ? secureText(tls) : 'none: plain http to this machine'),
  answer: ({ service }, { took }) => `${service.host} answered in ${Math.round(took)} ms`,
}

function secureText(tls: Tls | undefined): string {
  if (!tls) return 'a secure connection'
  const until = Number.isNaN(tls.until.getTime())
    ? ''
    : `, valid until ${tls.until.toISOString().slice(0, 10)}`
  return `${tls.protocol}, certificate by ${tls.issuer}${until}`
}

function failureFinding(
  step: Step,
  journey: ConnectionTrace,
  { fault, secure }: { fault: Fault; secure: boolean },
): Finding {
  const { proxy, service } = journey
  return failure(
    topicOf(step, journey),
    fault,
    {
      name: {
        advice: `Correct the name of the ${proxy ? 'proxy' : 'endpoint'}, or fix name resolution on this machine.`,
        command: `getent ahosts ${nameOf(proxy ?? service)}`,
      },
      connection: {
        advice: proxy
          ? 'Correct [tencent] proxy or HTTPS_PROXY, or allow this machine on the proxy.'
          : 'Allow the connection in the firewall, or set a proxy: [tencent] proxy.',
        command: `curl -sv ${proxy ? `--proxy ${proxy.host} ` : ''}${secure ? 'https' : 'http'}://${service.host}/`,
      },
      TLS: {
        advice: fault.advice,
        command: `openssl s_client -brief ${proxy ? `-proxy ${proxy.host} ` : ''}-connect ${withPort(service)} </dev/null`,
      },
      answer: { advice: fault.advice },
    }[step],
  )
}

const withPort = ({ host }: Hop) => (/:\d+$/.test(host) ? host : `${host}:443`)

/** Runs the work and tells of every connection that undici tried meanwhile; `at` is the host the work is meant for. */
async function traceConnection<T>(
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

export async function connection({ engine }: CheckContext): Promise<readonly Finding[]> {
  const { endpoint } = engine.settings
  const uploader = await engine.uploader()
  const credentials = await uploader.origin().catch(asFault)
  const started = performance.now()
  // without credentials any answer still tells how far the way is open, and the time
  const { journey, ended } = await traceConnection(endpoint.host, async () => {
    if (typeof credentials !== 'string') return uploader.client.ping()
    // listing one certificate changes nothing
    await uploader.client.call('DescribeCertificates', { Limit: 1 })
  })
  const fault = ended.status === 'rejected' ? asFault(ended.reason) : undefined
  const refusal = fault && isAccountError(fault) ? fault : undefined
  const broken = refusal ? undefined : fault
  return [
    ...connectionFindings(journey, {
      fault: broken,
      took: performance.now() - started,
      secure: endpoint.protocol === 'https:',
    }),
    ...accountFindings({
      reached: !broken,
      offset: uploader.client.offset(),
      credentials,
      refusal,
      lastUpload: await lastUpload(engine),
    }),
  ]
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}

/** Uploading cannot be tried without doing it; that it was done is the proof there is. */
async function lastUpload({ receipts, settings }: CheckContext['engine']): Promise<string | undefined> {
  const known = await receipts.all().catch(() => [])
  const here = known.flatMap(({ uploaded }) =>
    uploaded?.endpoint === settings.endpoint.hostname ? [uploaded] : [],
  )
  return here
    .map(({ uploadedAt }) => uploadedAt)
    .sort()
    .at(-1)
}
