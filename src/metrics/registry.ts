/** The Prometheus metrics, in a registry of their own: no process metrics, and of a certificate only its dates. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { Receipt } from '../receipts/receipt.ts'
import { printableText } from '../terminal/text.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import { replacementValues } from './replacement.ts'

interface MetricRow<T extends 'counter' | 'gauge' = 'counter' | 'gauge'> {
  readonly name: string
  readonly type: T
  readonly labels: readonly string[]
  readonly help: string
}

const rowOf =
  <T extends 'counter' | 'gauge'>(type: T) =>
  (name: string, labels: readonly string[], help: string): MetricRow<T> => ({
    name: `certferry_${name}`,
    type,
    labels,
    help,
  })

const gauge = rowOf('gauge')

const counter = rowOf('counter')

export const METRICS = {
  notBefore: gauge(
    'certificate_not_before_timestamp_seconds',
    ['lineage'],
    'When the certificate last read from disk began to be valid, in Unix time.',
  ),
  notAfter: gauge(
    'certificate_not_after_timestamp_seconds',
    ['lineage'],
    'When the certificate last read from disk ends, in Unix time.',
  ),
  lastUpload: gauge(
    'last_upload_timestamp_seconds',
    ['lineage'],
    'When a certificate of this lineage was last uploaded, in Unix time.',
  ),
  synced: gauge(
    'certificate_synced',
    ['lineage'],
    '1 if the certificate last found on disk is uploaded, 0 if its upload is pending, failed or was refused.',
  ),
  uploads: counter('uploads_total', ['outcome'], 'Checks that required an upload, by outcome.'),
  throttled: counter(
    'requests_throttled_total',
    [],
    'Requests that the service rejected for exceeding its rate limit.',
  ),
  pending: gauge(
    'certificates_pending',
    [],
    'Lineages whose files are being renewed: chain and key do not match yet.',
  ),
  lastCheck: gauge('last_check_timestamp_seconds', [], 'When a lineage was last checked, in Unix time.'),
  replacementState: gauge(
    'replacement_state',
    ['lineage', 'state'],
    '1 for the present state of replacing older certificate IDs, if this is on.',
  ),
  replacementSeconds: gauge(
    'last_replacement_seconds',
    ['lineage'],
    'How long the last replacement took until no older ID was bound.',
  ),
  oldIdsBound: gauge(
    'old_ids_bound',
    ['lineage'],
    'Older certificate IDs that resources of the account are known to use.',
  ),
  missed: counter(
    'watch_missed_changes_total',
    ['source'],
    'Changes that a rescan found and that caused no event.',
  ),
  watchUp: gauge('source_watch_up', ['source'], '1 while changes of the source are noticed, else 0.'),
  build: gauge('build_info', ['version'], 'Always 1; the version is in the label.'),
} as const

/** Values of the label `outcome`. What found nothing to do, or only planned or waited, is no upload. */
export const UPLOAD_OUTCOMES = ['uploaded', 'pending', 'failed', 'refused'] as const

export interface MetricsOptions {
  readonly version: string
  readonly now: () => Date
  /** A run that ends has gauges only: increase() cannot use a counter that begins at zero in each run. */
  readonly isDaemon: boolean
}

export interface Metrics {
  readonly outcome: (outcome: Outcome) => void
  /** What the receipt says about a lineage; the outcome of a check replaces it. */
  readonly recalled: (receipt: Receipt) => void
  /** How far a lineage's older IDs are replaced; without a receipt that is not to be done. */
  readonly replacement: (lineage: string, receipt: Receipt | undefined) => void
  readonly throttled: () => void
  readonly pending: (count: number) => void
  /** The sources that are watched, and whether their changes are noticed; every other is forgotten. */
  readonly watching: (sources: ReadonlyMap<string, boolean>) => void
  readonly missedEvent: (source: string) => void
  /** Forgets every lineage but these. */
  readonly keep: (lineages: ReadonlySet<string>) => void
  /** Prometheus text, format 0.0.4. */
  readonly text: () => Promise<string>
}

type Series = {
  readonly [name in keyof typeof METRICS]: (typeof METRICS)[name]['type'] extends 'counter' ? Counter : Gauge
}

/** A name from disk or configuration as the value of a label; prom-client does the quoting. */
const labelValue = (text: string) => printableText(text, 200)

const seconds = (date: Date) => Math.floor(date.getTime() / 1000)

export function createMetrics({ version, now, isDaemon }: MetricsOptions): Metrics {
  const registry = new Registry()
  const series = createSeries(registry, isDaemon)
  const lineages = new Set<string>()
  const sources = new Set<string>()
  const states = new Map<string, string>()
  series.build.set({ version }, 1)
  // increase() does not see the first event of a counter that appears with 1
  for (const outcome of UPLOAD_OUTCOMES) series.uploads.inc({ outcome }, 0)

  const labelsOf = (id: string) => {
    const lineage = labelValue(id)
    lineages.add(lineage)
    return { lineage }
  }
  const removeState = (lineage: string) => {
    const state = states.get(lineage)
    if (state !== undefined) series.replacementState.remove({ lineage, state })
    states.delete(lineage)
  }
  const removeReplacement = (lineage: string) => {
    removeState(lineage)
    for (const one of [series.replacementSeconds, series.oldIdsBound]) one.remove({ lineage })
  }
  return {
    outcome: outcome => {
      if (outcome.outcome !== 'planned')
        recordOutcome(series, labelsOf(outcome.lineage), outcome, seconds(now()))
    },
    recalled: ({ lineage, uploaded, failing, rejected }) => {
      if (!(uploaded || failing || rejected)) return
      const labels = labelsOf(lineage)
      series.synced.set(labels, failing || rejected ? 0 : 1)
      if (!uploaded) return
      series.notBefore.set(labels, seconds(new Date(uploaded.notBefore)))
      series.notAfter.set(labels, seconds(new Date(uploaded.notAfter)))
      series.lastUpload.set(labels, seconds(new Date(uploaded.uploadedAt)))
    },
    replacement: (id, receipt) => {
      const labels = labelsOf(id)
      if (!receipt) return removeReplacement(labels.lineage)
      removeState(labels.lineage)
      const { state, seconds, oldIdsBound } = replacementValues(receipt)
      states.set(labels.lineage, state)
      series.replacementState.set({ ...labels, state }, 1)
      series.oldIdsBound.set(labels, oldIdsBound)
      if (seconds !== undefined) series.replacementSeconds.set(labels, seconds)
    },
    throttled: () => series.throttled.inc(),
    pending: count => series.pending.set(count),
    watching: watched => {
      removeOthers(sources, new Set(Array.from(watched.keys(), labelValue)), source => {
        series.watchUp.remove({ source })
        series.missed.remove({ source })
      })
      for (const [path, up] of watched) {
        const source = labelValue(path)
        sources.add(source)
        series.watchUp.set({ source }, up ? 1 : 0)
        series.missed.inc({ source }, 0)
      }
    },
    missedEvent: source => series.missed.inc({ source: labelValue(source) }),
    keep: ids =>
      removeOthers(lineages, new Set(Array.from(ids, labelValue)), lineage => {
        for (const gauge of [series.notBefore, series.notAfter, series.lastUpload, series.synced])
          gauge.remove({ lineage })
        removeReplacement(lineage)
      }),
    text: () => registry.metrics(),
  }
}

function removeOthers(
  known: Set<string>,
  kept: ReadonlySet<string>,
  removeSeries: (label: string) => void,
): void {
  for (const label of known) {
    if (kept.has(label)) continue
    known.delete(label)
    removeSeries(label)
  }
}

function createSeries(registry: Registry, isDaemon: boolean): Series {
  const metricOf = ({ name, type, help, labels }: MetricRow) => {
    const isShown = isDaemon || (type === 'gauge' && !labels.includes('source'))
    const options = { name, help, labelNames: labels, registers: isShown ? [registry] : [] }
    return type === 'gauge' ? new Gauge(options) : new Counter(options)
  }
  const entries = Object.entries(METRICS).map(([key, row]) => [key, metricOf(row)])
  return Object.fromEntries(entries)
}

function recordOutcome(
  series: Series,
  labels: { readonly lineage: string },
  outcome: Outcome,
  now: number,
): void {
  const { bundle } = outcome
  series.lastCheck.set(now)
  if (bundle) series.notBefore.set(labels, seconds(bundle.notBefore))
  if (bundle) series.notAfter.set(labels, seconds(bundle.notAfter))
  series.synced.set(labels, outcome.outcome === 'uploaded' || outcome.outcome === 'unchanged' ? 1 : 0)
  if (outcome.outcome === 'uploaded') series.lastUpload.set(labels, now)
  const result = outcome.outcome === 'failed' && isPending(outcome.fault) ? 'pending' : outcome.outcome
  if (UPLOAD_OUTCOMES.some(known => known === result)) series.uploads.inc({ outcome: result })
}
