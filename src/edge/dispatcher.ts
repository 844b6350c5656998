/** The connections: kept alive, timed at every step, through the operator's proxy, certificate checks never off. */
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { isLoopback } from '../core/endpoint.ts'

/** Milliseconds. The service answers an upload in well under a second; the official SDKs wait 60 s for everything. */
const TIMEOUTS = { connect: { timeout: 5_000 }, headersTimeout: 10_000, bodyTimeout: 10_000 } as const

/** The service closes idle connections; ours are closed before, so that few requests meet a closing one. */
const IDLE = 15_000

export interface Way {
  readonly endpoint: URL
  /** `[tencent] proxy`, over HTTPS_PROXY and HTTP_PROXY; NO_PROXY holds for both. */
  readonly proxy: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

export function openDispatcher({ endpoint, proxy, env }: Way): Dispatcher {
  const options = { ...TIMEOUTS, keepAliveTimeout: IDLE, pipelining: 1 }
  // to this machine itself no proxy can lead
  if (isLoopback(endpoint)) return new Agent(options)
  const either = (name: string) => env[name.toLowerCase()] || env[name.toUpperCase()]
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: proxy ?? either('http_proxy') ?? '',
    httpsProxy: proxy ?? either('https_proxy') ?? '',
    noProxy: either('no_proxy') ?? '',
  })
}
