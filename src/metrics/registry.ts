/** The Prometheus metrics, in a registry of their own: no process metrics, and of a certificate only its dates. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { Receipt } from '../receipts/receipt.ts'
import { printableText } from '../terminal/text.ts'
import { isPending, type Outcome } from '../upload/outcome.ts'
import { parseSamples } from './samples.ts'

interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly help: string
  /** Continues from the textfile of the previous run. */
  readonly carried: boolean
}

const row = (
  type: MetricRow['type'],
  name: string,
  labels: readonly string[],
  help: string,
  carried = true,
): MetricRow => ({ name: `certferry_${name}`, type, labels, help, carried })

const LINEAGE = ['lineage']

const SOURCE = ['source']

export const METRICS = {
  notBefore: row(
    'gauge',
    'certificate_not_before_timestamp_seconds',
    LINEAGE,
    'When the certificate last read from disk began to be valid, in Unix time.',
  ),
  notAfter: row(
    'gauge',
    'certificate_not_after_timestamp_seconds',
    LINEAGE,
    'When the certificate last read from disk ends, in Unix time.',
  ),
  lastUpload: row(
    'gauge',
    'last_upload_timestamp_seconds',
    LINEAGE,
    'When a certificate of this lineage was last uploaded, in Unix time.',
  ),
  ok: row(
    'gauge',
    'certificate_synced',
    LINEAGE,
    '1 if the certificate last found on disk is uploaded, 0 if its upload is pending, failed or was refused.',
  ),
  uploads: row('counter', 'uploads_total', ['outcome'], 'Checks that required an upload, by outcome.'),
  throttled: row(
    'counter',
    'requests_throttled_total',
    [],
    'Requests that the service rejected for exceeding its rate limit.',
  ),
  pending: row(
    'gauge',
    'certificates_pending',
    [],
    'Lineages whose files are being renewed: chain and key do not match yet.',
  ),
  lastLook: row(
    'gauge',
    'last_check_timestamp_seconds',
    [],
    'When a lineage was last checked, in Unix time.',
  ),
  missed: row(
    'counter',
    'watch_missed_changes_total',
    SOURCE,
    'Changes found by a rescan without an event before.',
    false,
  ),
  watchUp: row(
    'gauge',
    'source_watch_up',
    SOURCE,
    '1 while changes of the source are noticed, else 0.',
    false,
  ),
  build: row('gauge', 'build_info', ['version'], 'Always 1; the version is in the label.', false),
} as const satisfies Record<string, MetricRow>

/** Values of the label `outcome`. What found nothing to do, or only planned or waited, is no upload. */
export const UPLOAD_OUTCOMES = ['uploaded', 'pending', 'failed', 'refused'] as const

/** Whether the service has what is on disk, as far as this outcome tells. */
const isSynced = ({ outcome }: Outcome): boolean | undefined =>
  outcome === 'planned' ? undefined : outcome === 'uploaded' || outcome === 'unchanged'

/** A name from disk or configuration as the value of a label; prom-client does the quoting. */
const labelValue = (text: string) => printableText(text, 200)

export interface MetricsOptions {
  readonly version: string
  readonly now: () => Date
  /** The textfile of the run before: its counts and lineages go on from there. */
  readonly before?: string | undefined
}

export interface Metrics {
  readonly outcome: (outcome: Outcome) => void
  /** A receipt says when the last upload was; "unchanged" does not. */
  readonly recalled: (receipt: Receipt) => void
  readonly throttled: () => void
  readonly pending: (count: number) => void
  /** The sources that are watched, and whether their changes are noticed; every other is forgotten. */
  readonly watching: (sources: ReadonlyMap<string, boolean>) => void
  readonly missedEvent: (source: string) => void
  readonly forget: (lineage: string) => void
  /** Forgets every lineage but these. */
  readonly keep: (lineages: ReadonlySet<string>) => void
  /** Prometheus text, format 0.0.4. */
  readonly text: () => Promise<string>
}

type Series = ReturnType<typeof openSeries>

export function createMetrics({ version, now, before = '' }: MetricsOptions): Metrics {
  const registry = new Registry()
  const series = openSeries(registry)
  const { seen, forget, keep } = openRoll(series)
  series.build.set({ version }, 1)
  // a counter that is born at 1 has never risen: increase() would not see the first of each
  for (const outcome of UPLOAD_OUTCOMES) series.uploads.inc({ outcome }, 0)
  for (const lineage of goOn(registry, before)) seen(lineage)

  return {
    outcome: outcome => count(series, seen(outcome.lineage), outcome, inSeconds(now())),
    recalled: ({ lineage, uploaded }) => {
      if (uploaded) series.lastUpload.set(seen(lineage), inSeconds(new Date(uploaded.uploadedAt)))
    },
    throttled: () => series.throttled.inc(),
    pending: number => series.pending.set(number),
    watching: openWatched(series),
    missedEvent: source => series.missed.inc(labelled(source)),
    forget,
    keep,
    text: () => registry.metrics(),
  }
}

const labelled = (source: string) => ({ source: labelValue(source) })

/** The sources that have series, kept to those that are watched now. */
function openWatched({ watchUp, missed }: Series): Metrics['watching'] {
  const watched = new Set<string>()
  return sources => {
    for (const source of watched) {
      if (sources.has(source)) continue
      watched.delete(source)
      for (const metric of [watchUp, missed]) metric.remove(labelled(source))
    }
    for (const [source, up] of sources) {
      watched.add(source)
      watchUp.set(labelled(source), up ? 1 : 0)
      missed.inc(labelled(source), 0)
    }
  }
}

/** The lineages that have series, under their names as labels. */
function openRoll(series: Series) {
  const gauges = [series.notBefore, series.notAfter, series.lastUpload, series.ok]
  const roll = new Set<string>()
  const forget = (id: string) => {
    const lineage = labelValue(id)
    roll.delete(lineage)
    for (const gauge of gauges) gauge.remove({ lineage })
  }
  return {
    seen: (id: string) => {
      const lineage = labelValue(id)
      roll.add(lineage)
      return { lineage }
    },
    forget,
    keep: (ids: ReadonlySet<string>) => {
      const kept = new Set(Array.from(ids, id => labelValue(id)))
      for (const lineage of roll) if (!kept.has(lineage)) forget(lineage)
    },
  }
}

const inSeconds = (date: Date) => Math.floor(date.getTime() / 1000)

function openSeries(registry: Registry) {
  const shape = ({ name, help, labels: labelNames }: MetricRow) => ({
    name,
    help,
    labelNames,
    registers: [registry],
  })
  const gauge = (row: MetricRow) => new Gauge(shape(row))
  const counter = (row: MetricRow) => new Counter(shape(row))
  return {
    notBefore: gauge(METRICS.notBefore),
    notAfter: gauge(METRICS.notAfter),
    lastUpload: gauge(METRICS.lastUpload),
    ok: gauge(METRICS.ok),
    uploads: counter(METRICS.uploads),
    throttled: counter(METRICS.throttled),
    pending: gauge(METRICS.pending),
    lastLook: gauge(METRICS.lastLook),
    missed: counter(METRICS.missed),
    watchUp: gauge(METRICS.watchUp),
    build: gauge(METRICS.build),
  } satisfies Record<keyof typeof METRICS, unknown>
}

function count(series: Series, label: { readonly lineage: string }, outcome: Outcome, now: number): void {
  const { bundle } = outcome
  const carried = isSynced(outcome)
  series.lastLook.set(now)
  if (bundle) series.notBefore.set(label, inSeconds(bundle.notBefore))
  if (bundle) series.notAfter.set(label, inSeconds(bundle.notAfter))
  if (carried !== undefined) series.ok.set(label, carried ? 1 : 0)
  if (outcome.outcome === 'uploaded') series.lastUpload.set(label, now)
  const ending = outcome.outcome === 'failed' && isPending(outcome.fault) ? 'pending' : outcome.outcome
  if (UPLOAD_OUTCOMES.some(known => known === ending)) series.uploads.inc({ outcome: ending })
}

/** Takes over the samples of an earlier run. Returns the lineages among them. */
function goOn(registry: Registry, before: string): readonly string[] {
  const rows: ReadonlyMap<string, MetricRow> = new Map(Object.values(METRICS).map(row => [row.name, row]))
  return parseSamples(before).flatMap(({ name, labels: read, value }) => {
    // the file may have been changed: what stood in it becomes a label as everything does
    const labels = Object.fromEntries(Object.entries(read).map(([key, text]) => [key, labelValue(text)]))
    const row = rows.get(name)
    if (!row?.carried || Object.keys(labels).join() !== row.labels.join()) return []
    const metric = registry.getSingleMetric(name)
    if (metric instanceof Counter) metric.inc(labels, value)
    if (metric instanceof Gauge) metric.set(labels, value)
    return labels.lineage === undefined ? [] : [labels.lineage]
  })
}
