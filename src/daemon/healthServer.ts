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
  /** Listens at the configured address, or nowhere. @throws Fault ADDRESS_UNAVAILABLE. */
  readonly applyConfig: (app: App) => Promise<void>
  /** What /ready and the pending gauge answer from now on. */
  readonly setStatus: (state: { readonly ready: boolean; readonly pending: () => number }) => void
  readonly close: () => Promise<void>
}

export function createHealthServer(now: () => number): HealthServer {
  let metrics: Metrics | undefined
  let current: { readonly address: string; readonly http: HttpServer } | undefined
  let state = { ready: false, pending: () => 0 }
  let closed = false

  const open = async (listen: string, log: Logger): Promise<HttpServer> => {
    const { createMetrics } = await import('../metrics/registry.ts')
    const { startHttpServer } = await import('../http/server.ts')
    metrics ??= createMetrics({ version: VERSION, now: () => new Date(now()), isDaemon: true })
    const shown = metrics
    const http = await startHttpServer({
      listen,
      ready: () => state.ready,
      metrics: () => {
        shown.pending(state.pending())
        return shown.text()
      },
      onError: error => log.warn({ event: 'http' }, `request failed (${(error as Error).name})`),
    })
    log.info({ event: 'http' }, `listening on ${http.address}`)
    return http
  }
  const close = async () => {
    closed = true
    await current?.http.close()
  }
  return {
    metrics: () => metrics,
    applyConfig: async ({ settings: { httpListen: listen }, log }) => {
      const address = listen === undefined ? undefined : JSON.stringify(listenAddress(listen))
      if (address === current?.address) return
      const before = current
      // the new one first: if it fails, the old one stays
      current = listen && address ? { address, http: await open(listen, log) } : undefined
      await before?.http.close()
      if (closed) await close()
    },
    setStatus: next => {
      state = next
    },
    close,
  }
}
