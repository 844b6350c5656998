/** The daemon's HTTP server for /live, /ready and /metrics, if it is configured. It outlives reloads. */
import type { App } from '../app.ts'
import { listenAddress } from '../config/values.ts'
import type { HttpServer } from '../http/server.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/registry.ts'
import { VERSION } from '../version.ts'

export interface HealthServer {
  /** Undefined until a configuration asks for a server: the library is loaded only then. */
  readonly metrics: () => Metrics | undefined
  /** Listens where this configuration says, or nowhere. @throws Fault ADDRESS_UNAVAILABLE. */
  readonly applyConfig: (engine: App) => Promise<void>
  /** What /ready and the pending gauge answer from now on. */
  readonly setStatus: (state: { readonly ready: boolean; readonly pending: () => number }) => void
  readonly close: () => Promise<void>
}

export function createHealthServer(now: () => number): HealthServer {
  let metrics: Metrics | undefined
  let page: { readonly at: string; readonly http: HttpServer } | undefined
  let state = { ready: false, pending: () => 0 }
  let closed = false

  const count = async (): Promise<Metrics> => {
    const { createMetrics } = await import('../metrics/registry.ts')
    metrics ??= createMetrics({ version: VERSION, now: () => new Date(now()), isDaemon: true })
    return metrics
  }
  const open = async (listen: string, at: string, log: Logger) => {
    const http = await openEndpoint(listen, { metrics: await count(), state: () => state, log })
    log.info({ event: 'http' }, `listening on ${http.address}`)
    return { at, http }
  }
  const close = async () => {
    closed = true
    await page?.http.close()
  }
  return {
    metrics: () => metrics,
    applyConfig: async ({ settings: { httpListen: listen }, log }) => {
      const at = listen === undefined ? undefined : JSON.stringify(listenAddress(listen))
      if (at === page?.at) return
      const before = page
      // the new one first: if it fails, the old one stays
      page = listen === undefined || at === undefined ? undefined : await open(listen, at, log)
      await before?.http.close()
      if (closed) await close()
    },
    setStatus: next => {
      state = next
    },
    close,
  }
}

interface Shown {
  readonly metrics: Metrics
  readonly state: () => { readonly ready: boolean; readonly pending: () => number }
  readonly log: Logger
}

async function openEndpoint(listen: string, { metrics, state, log }: Shown): Promise<HttpServer> {
  const { startHttpServer } = await import('../http/server.ts')
  return startHttpServer({
    listen,
    ready: () => state().ready,
    metrics: () => {
      metrics.pending(state().pending())
      return metrics.text()
    },
    onError: error => log.warn({ event: 'http' }, `request failed (${(error as Error).name})`),
  })
}
