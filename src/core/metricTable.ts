/** Every metric: its name, type, labels and meaning. docs/metrics.md is this table for the operator. Pure. */
import type { Outcome } from './outcome.ts'
import { printableText } from './printable.ts'

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly help: string
  /** Goes on from the textfile of the run before: that run's process is gone, what it counted is not. */
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
    'lineage_ok',
    LINEAGE,
    '1 when the service has what the last look found on disk, 0 when not: pending, failed or refused.',
  ),
  uploads: row(
    'counter',
    'uploads_total',
    ['outcome'],
    'Looks that called for an upload, by how they ended.',
  ),
  throttled: row(
    'counter',
    'throttled_total',
    [],
    'Requests that the service turned away for coming too fast.',
  ),
  pending: row(
    'gauge',
    'pending_lineages',
    [],
    'Lineages whose files are mid-change: chain and key are not a pair yet.',
  ),
  lastLook: row(
    'gauge',
    'last_look_timestamp_seconds',
    [],
    'When a lineage was last looked at, in Unix time.',
  ),
  missed: row(
    'counter',
    'missed_events_total',
    SOURCE,
    'Changes that a sweep found and no event had announced.',
    false,
  ),
  watchUp: row('gauge', 'watch_up', SOURCE, '1 while changes of the source are noticed, 0 while not.', false),
  build: row('gauge', 'build_info', ['version'], 'Always 1; the version is in the label.', false),
} as const satisfies Record<string, MetricRow>

/** Values of the label `outcome`. What found nothing to do, or only planned or waited, is no upload. */
export const UPLOAD_OUTCOMES = ['uploaded', 'pending', 'failed', 'refused'] as const

/** Whether the service has what is on disk, as far as this outcome tells. */
export const isSynced = ({ outcome }: Outcome): boolean | undefined =>
  outcome === 'planned' ? undefined : outcome === 'uploaded' || outcome === 'unchanged'

/** A name from disk or configuration as the value of a label; prom-client does the quoting. */
export const labelValue = (text: string) => printableText(text, 200)
