/** docs/monitoring.md against the table of metrics. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { METRICS, UPLOAD_OUTCOMES } from '../../src/metrics/registry.ts'

const document = await readFile('docs/monitoring.md', 'utf8')
const rows = document
  .split('\n')
  .filter(line => line.startsWith('| `certferry_'))
  .map(line => line.split('|').map(cell => cell.replaceAll('`', '').trim()))
const alerts = /```yaml\n(groups:[\s\S]*?)```/.exec(document)?.[1] ?? ''

test('every metric is documented with its type, labels and meaning, and no other', () => {
  expect(rows.map(([, ...cells]) => cells.slice(0, 4))).toEqual(
    Object.values(METRICS).map(({ name, type, labels, help }) => [name, type, labels.join(), help]),
  )
})

test('every outcome that is counted is named', () => {
  for (const outcome of UPLOAD_OUTCOMES) expect(document).toContain(`\`${outcome}\``)
})

test('the four alerts ask only for metrics and labels that there are', () => {
  expect(alerts.match(/- alert: \w+/g)).toHaveLength(4)
  const names = Object.values(METRICS).map(({ name }) => name as string)
  const labels = new Set([
    'instance',
    ...Object.values(METRICS).flatMap(row => row.labels as readonly string[]),
  ])
  const asked = alerts.match(/certferry_\w+/g) ?? []
  expect(asked.length).toBeGreaterThan(5)
  for (const name of asked) expect(names).toContain(name)
  for (const [, label] of alerts.matchAll(/\$labels\.(\w+)/g)) expect(labels).toContain(label)
})
