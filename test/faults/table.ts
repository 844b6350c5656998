/** Prints the rows of a run, which `FAULT_ROWS` named, as tables for docs/reliability.md: npx node test/faults/table.ts FILE SUITES... */
import { readFileSync } from 'node:fs'
import { argv, stdout } from 'node:process'
import type { Row } from './run.ts'

const [file = '', ...suites] = argv.slice(2)

const rows: ReadonlyArray<Row & { readonly suite: string }> = readFileSync(file, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map(line => JSON.parse(line))

const line = (...cells: ReadonlyArray<string | number>) => `| ${cells.join(' | ')} |\n`

for (const suite of suites) {
  const own = rows.filter(row => row.suite.includes(suite))
  const sorted = own.toSorted((a, b) => a.suite.localeCompare(b.suite))
  stdout.write(
    `\n${line('fault', 'how it is made', 'runs', 'lost', 'duplicated', 'leaked')}|---|---|---|---|---|---|\n`,
  )
  for (const { fault, how, runs, lost, duplicated, leaked } of sorted)
    stdout.write(line(fault, how, runs.toLocaleString('en'), lost, duplicated, leaked))
}
