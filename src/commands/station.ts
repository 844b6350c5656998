/** The daemon's own page, /live, /ready and /metrics, where its configuration asks for one. It outlives reloads. */
import type { Http } from '../edge/http.ts'
import type { Log } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { VERSION } from '../version.ts'
import type { Engine } from './engine.ts'

export interface Station {
  /** Undefined until a configuration asks for a page: the library is loaded only then. */
  readonly metrics: () => Metrics | undefined
  /** Listens where this configuration says, or nowhere. @throws Fault CONFIG_INVALID where it cannot. */
  readonly follow: (engine: Engine) => Promise<void>
  /** What /ready and the pending gauge answer from now on. */
  readonly attend: (state: { readonly ready: boolean; readonly pending: () => number }) => void
  readonly close: () => Promise<void>
}

export function openStation(now: () => number): Station {
  let metrics: Metrics | undefined
  let http: Http | undefined
  let listening: string | undefined
  let state = { ready: false, pending: () => 0 }

  const close = async () => {
    await http?.close()
    http = undefined
    listening = undefined
  }
  const open = async (listen: string, log: Log) => {
    const [{ openHttp }, { openMetrics }] = await Promise.all([
      import('../edge/http.ts'),
      import('../edge/metrics.ts'),
    ])
    const counted = metrics ?? openMetrics({ version: VERSION, now: () => new Date(now()) })
    metrics = counted
    http = await openHttp({
      listen,
      live: () => true,
      ready: () => state.ready,
      metrics: () => {
        counted.pending(state.pending())
        return counted.text()
      },
      onError: error =>
        log.warn({ event: 'http' }, `a page could not be answered (${(error as Error).name})`),
    })
    listening = listen
    log.info({ event: 'http' }, `answering at ${http.address}`)
  }
  return {
    metrics: () => metrics,
    follow: async ({ settings: { httpListen }, log }) => {
      if (httpListen === listening) return
      await close()
      if (httpListen !== undefined) await open(httpListen, log)
    },
    attend: next => {
      state = next
    },
    close,
  }
}
