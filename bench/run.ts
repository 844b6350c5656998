/** `npm run bench [-- [--quick] [--write] [ROW…]]`: measures the rows, prints one table, and writes it down. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { argv, stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { chosen, GROUPS, type Group, type Row } from './catalogue.ts'
import { machineNow } from './machine.ts'
import { makeOurs, ROOT } from './programs.ts'
import { type Judged, judged, markdown, type Report, summary, tableText, written } from './report.ts'
import { growth } from './rows/growth.ts'
import { hook } from './rows/hook.ts'
import { latency } from './rows/latency.ts'
import { limit } from './rows/limit.ts'
import { packages } from './rows/package.ts'
import { replace } from './rows/replace.ts'
import { signature } from './rows/signature.ts'
import { sync } from './rows/sync.ts'
import { watch } from './rows/watch.ts'
import type { Figure } from './verdict.ts'
import { FULL, openWorkplace, QUICK, type Workplace } from './workplace.ts'

const MEASURES: Readonly<Record<Group, (workplace: Workplace) => Promise<readonly Figure[]>>> = {
  hook,
  package: packages,
  sync,
  limit,
  replace,
  watch,
  latency,
  signature,
  growth,
}

const RESULTS = resolve(ROOT, 'bench/results')
const DOCUMENT = resolve(ROOT, 'docs/performance.md')
const PLOTS = resolve(ROOT, 'docs/performance')

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const rows = chosen(positionals)
// figures of small sizes, or of some rows only, would stand in the document as if they were those of all
if (values.write && (values.quick || positionals.length))
  throw new Error('--write wants every row, in full size')
mkdirSync(RESULTS, { recursive: true })

const say = (text: string) => void stderr.write(`${text}\n`)
makeOurs(rows, say)
const start = performance.now()
const machine = machineNow()
const plots: string[] = []
const plot = (name: string, svg: string) => {
  const folder = values.write ? PLOTS : RESULTS
  mkdirSync(folder, { recursive: true })
  writeFileSync(resolve(folder, `${name}.svg`), svg)
  plots.push(name)
}
const workplace = openWorkplace(values.quick ? QUICK : FULL, { say, plot })
// however it ends, and last of all: ten thousand lineages take their time to go
process.once('exit', workplace.close)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const measured: Judged[] = []
for (const group of GROUPS) measured.push(...(await measure(group)))
publish({
  date: new Date().toISOString().slice(0, 10),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim(),
  seconds: (performance.now() - start) / 1_000,
  quick: values.quick,
  machine,
  rows: measured,
  plots,
})

function publish(report: Report): void {
  writeFileSync(resolve(RESULTS, 'results.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(resolve(RESULTS, 'results.md'), markdown(report))
  if (values.write) writeFileSync(DOCUMENT, written(readFileSync(DOCUMENT, 'utf8'), markdown(report)))
  const warning = report.quick ? '; small sizes: the figures say nothing' : ''
  stdout.write(
    `${tableText(report.rows)}\n\n${summary(report.rows)}; ${report.seconds.toFixed(0)} s${warning}\n`,
  )
}

/** A group that cannot be measured does not hold up the others. */
async function measure(group: Group): Promise<readonly Judged[]> {
  const wanted: readonly Row[] = rows.filter(row => row.group === group)
  if (!wanted.length) return []
  const before = performance.now()
  say(`${group} …`)
  try {
    const figures = await MEASURES[group](workplace)
    return wanted.map(row =>
      judged(
        row,
        figures.find(({ id }) => id === row.id),
      ),
    )
  } catch (error) {
    say(String(error))
    return wanted.map(row => judged(row, undefined, String(error).split('\n')[0]))
  } finally {
    say(`${group}: ${((performance.now() - before) / 1_000).toFixed(0)} s`)
  }
}
