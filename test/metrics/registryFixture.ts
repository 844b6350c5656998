/** Metrics under a clock that stands still, what they say of one lineage after another, and outcomes to tell them. */
import type { Bundle } from '../../src/certificate/bundle.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { createMetrics } from '../../src/metrics/registry.ts'
import { parseSamples } from '../../src/metrics/samples.ts'
import type { Outcome } from '../../src/upload/outcome.ts'

export const NOW = 1_780_000_000

export const metricsAt = (seconds = NOW, before?: string) =>
  createMetrics({ version: '1.2.3', now: () => new Date(seconds * 1000 + 999), before })

/** Every sample as `name{label}`, without the prefix, with its value. */
export const valuesOf = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    parseSamples(text).map(({ name, labels, value }) => [
      `${name.replace('certferry_', '')}${Object.values(labels).map(label => `{${label}}`)}`,
      value,
    ]),
  )

export const uploaded = (lineage: string, bundle: Bundle): Outcome => ({
  lineage,
  bundle,
  outcome: 'uploaded',
  because: 'first-seen',
  certificateId: 'certificate-id',
  reused: false,
  requestId: 'request-id',
  attempts: 1,
  supersedes: null,
  elapsedMs: 84,
})

export const unchanged = (lineage: string): Outcome => ({
  lineage,
  outcome: 'unchanged',
  because: 'unchanged',
  certificateId: 'certificate-id',
  elapsedMs: 1,
})

export const failed = (lineage: string, code: FaultCode, message = 'no'): Outcome => ({
  lineage,
  outcome: 'failed',
  fault: new Fault(code, message, { requestId: 'request-id' }),
  elapsedMs: 1,
})
