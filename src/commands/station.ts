/** The daemon's own page, /live, /ready and /metrics, where its configuration asks for one. It outlives reloads. */
import { listenAddress } from '../core/listen.ts'
import type { Http } from '../edge/http.ts'
import type { Log } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { VERSION } from '../version.ts'
import type { Engine } from './engine.ts'

export interface Station {
  /** Undefined until a configuration asks for a page: the library is loaded only then. */
  readonly metrics: () => Metrics | undefined
  /** Listens where this configuration says, or nowhere. @throws Fault as openHttp. */
  readonly follow: (engine: Engine) => Promise<void>
  /** What /ready and the pending gauge answer from now on. */
  readonly attend: (state: { readonly ready: boolean; readonly pending: () => number }) => void
  readonly close: () => Promise<void>
}

export function openStation(now: () => number): Station {
  let metrics: Metrics | undefined
  let page: { readonly at: string; readonly http: Http } | undefined
  let state = { ready: false, pending: () => 0 }
  let closed = false

  const count = async (): Promise<Metrics> => {
    const { openMetrics } = await import('../edge/metrics.ts')
    metrics ??= openMetrics({ version: VERSION, now: () => new Date(now()) })
    return metrics
  }
  const open = async (listen: string, at: string, log: Log) => {
    const http = await openPage(listen, { metrics: await count(), state: () => state, log })
    log.info({ event: 'http' }, `answering at ${http.address}`)
    return { at, http }
  }
  const close = async () => {
    closed = true
    await page?.http.close()
  }
  return {
    metrics: () => metrics,
    follow: async ({ settings: { httpListen: listen }, log }) => {
      const at = listen === undefined ? undefined : JSON.stringify(listenAddress(listen))
      if (at === page?.at) return
      const before = page
      // the new one first: where it cannot be, the old one stays
      page = listen === undefined || at === undefined ? undefined : await open(listen, at, log)
      await before?.http.close()
      if (closed) await close()
    },
    attend: next => {
      state = next
    },
    close,
  }
}

interface Shown {
  readonly metrics: Metrics
  readonly state: () => { readonly ready: boolean; readonly pending: () => number }
  readonly log: Log
}

async function openPage(listen: string, { metrics, state, log }: Shown): Promise<Http> {
  const { openHttp } = await import('../edge/http.ts')
  return openHttp({
    listen,
    // the daemon's rounds, and this answer, are turns of one event loop
    live: () => true,
    ready: () => state().ready,
    metrics: () => {
      metrics.pending(state().pending())
      return metrics.text()
    },
    onReturn: () =>
      log.warn({ event: 'http' }, `the socket of ${listen} had been removed and is there again`),
    onError: error => log.warn({ event: 'http' }, `a page could not be answered (${(error as Error).name})`),
  })
}
