/** The daemon's HTTP server for the status page, /live, /ready and /metrics, if it is configured. It outlives reloads. */
import { hostname } from 'node:os'
import type { App } from '../app.ts'
import { listenAddress } from '../config/values.ts'
import { Fault } from '../errors.ts'
import type { HttpServer, StatusPage } from '../http/server.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/registry.ts'
import type { DaemonView } from '../status/view.ts'
import { VERSION } from '../version.ts'

export interface HealthServer {
  /** Undefined until a configuration asks for a server: the library is loaded only then. */
  readonly metrics: () => Metrics | undefined
  /** Listens at the configured address, or nowhere. @throws Fault ADDRESS_UNAVAILABLE. */
  readonly applyConfig: (app: App) => Promise<void>
  /** The daemon that the pages are about from now on. */
  readonly setDaemon: (app: App, daemon: ShownDaemon) => void
  readonly close: () => Promise<void>
}

interface ShownDaemon {
  readonly pending: () => number
  readonly view: () => DaemonView
}

export function createHealthServer(now: () => number): HealthServer {
  let metrics: Metrics | undefined
  let current: { readonly address: string; readonly http: HttpServer } | undefined
  let shown: { readonly app: App; readonly daemon: ShownDaemon } | undefined
  let closed = false

  const open = async (listen: string, log: Logger): Promise<HttpServer> => {
    const { createMetrics } = await import('../metrics/registry.ts')
    const { startHttpServer } = await import('../http/server.ts')
    metrics ??= createMetrics({ version: VERSION, now: () => new Date(now()), isDaemon: true })
    const all = metrics
    const http = await startHttpServer({
      listen,
      ready: () => shown !== undefined,
      metrics: () => {
        all.pending(shown?.daemon.pending() ?? 0)
        return all.text()
      },
      status: async isRefreshed =>
        shown && makePage(shown.app, shown.daemon.view(), new Date(now()), isRefreshed),
      onError: error =>
        log.warn(
          { event: 'http' },
          `request failed: ${error instanceof Fault ? error.message : (error as Error).name}`,
        ),
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
    setDaemon: (app, daemon) => {
      shown = { app, daemon }
    },
    close,
  }
}

/** What is recorded is read each time: hooks and people record, too. */
async function makePage(
  { settings, receipts }: App,
  daemon: DaemonView,
  now: Date,
  isRefreshed: boolean,
): Promise<StatusPage> {
  // imported here, because most daemons are never asked for the page
  const [{ statusPage }, { POLICY }, { statusView }] = await Promise.all([
    import('../status/page.ts'),
    import('../status/pageStyle.ts'),
    import('../status/view.ts'),
  ])
  const view = statusView({
    ...{ host: hostname(), version: VERSION, endpoint: settings.endpoint.hostname, now, isRefreshed, daemon },
    receipts: await receipts.all(),
    pause: await receipts.pause(),
    isExcluded: settings.isExcluded,
  })
  return { html: statusPage(view), policy: POLICY }
}
