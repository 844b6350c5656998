/** How far a request came on its way to the service: name, connection, TLS, answer. The first that is broken is named. Pure. */
import type { Fault } from './fault.ts'
import { type Finding, failure, ok, skipped } from './finding.ts'

/** A machine that was to be reached, and how it went. */
export interface Hop {
  /** As in a URL: with the port, where it is not the usual one. */
  readonly host: string
  /** Connected, and where there is TLS, trusted. */
  readonly reached: boolean
  readonly address?: string | undefined
  readonly tls?: Tls | undefined
  /** The code of what stood in the way. */
  readonly error?: string
}

export interface Tls {
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
export const STEPS = ['name', 'connection', 'TLS', 'answer'] as const
export type Step = (typeof STEPS)[number]

const NAMELESS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME', 'ENODATA'])

/** Where the way is broken, told by the fault and by who could not be reached. */
export function brokenAt({ service, proxy, tunnel }: ConnectionTrace, { code }: Fault): Step {
  if (NAMELESS.has(proxy?.error ?? service.error ?? '')) return 'name'
  if (proxy && !tunnel) return 'connection'
  if (code === 'TLS') return 'TLS'
  return service.reached ? 'answer' : 'connection'
}

export interface TraceEnd {
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
      ? `${name}: nothing to look up`
      : `${name} is ${first.address}`
  },
  connection: ({ proxy, service }) =>
    proxy ? `${service.host} through the proxy ${proxy.host}` : `connected to ${service.host}`,
  TLS: ({ service: { tls } }, { secure }) =>
    secure ? secureText(tls) : 'none: plain http to this machine itself',
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
        advice: `Correct the name of the ${proxy ? 'proxy' : 'endpoint'}, or mend how this machine looks up names.`,
        command: `getent ahosts ${nameOf(proxy ?? service)}`,
      },
      connection: {
        advice: proxy
          ? 'Correct [tencent] proxy or HTTPS_PROXY, or have the proxy let this machine through.'
          : 'Let this machine through the firewall, or name a proxy: [tencent] proxy.',
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
