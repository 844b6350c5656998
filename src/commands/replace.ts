/** `certferry replace` and its common part with `certferry rollback`: one lineage, at once. */
import { type App, logInsecurePermissions, openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { stepText } from '../deploy/replaceAll.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import {
  type BoundResource,
  type Replacement,
  type ReplacementResult,
  replacementJson,
} from '../receipts/replacement.ts'
import { filterByName, listLineages } from '../sources/discover.ts'
import type { Lineage } from '../sources/lineage.ts'
import { jsonLine, printableText, wrap } from '../terminal/text.ts'
import { createProgressLine } from '../upload/progress.ts'

export const run = (context: ProcessContext, line: CommandLine): Promise<number> =>
  runForOne(context, line, async (app, lineage, onChange) => {
    const { replace } = await app.replacer()
    const options = { force: line.force ?? false, dryRun: line.dryRun ?? false, isHurried: false }
    return replace(lineage, { ...options, isNow: true, onChange })
  })

/** @throws Fault USAGE or LINEAGE_UNKNOWN where the name is not that of one lineage. */
export async function runForOne(
  context: ProcessContext,
  line: CommandLine,
  work: (app: App, lineage: Lineage, onChange: (now: Replacement) => void) => Promise<ReplacementResult>,
): Promise<number> {
  const [name, ...others] = line.operands
  if (name === undefined || others.length)
    throw new Fault('USAGE', 'expected one name, as `certferry status` shows it')
  const deadline = line.deadline === undefined ? undefined : context.endWithin(line.deadline)
  const progress = createProgressLine(context, !line.json && !line.quiet)
  const app = await openApp(progress.context, line, shutdownSignal(context, deadline))
  try {
    logInsecurePermissions(app)
    const { lineages } = filterByName(await listLineages(app.settings, context.home), [name])
    const [lineage, ...more] = lineages
    if (!lineage || more.length) {
      const names = lineages.map(({ id }) => id).join(', ')
      throw new Fault('LINEAGE_UNKNOWN', names ? `"${name}" may be ${names}` : `there is no "${name}"`)
    }
    const result = await work(app, lineage, now => progress.show(stepText(lineage.id, now))).finally(() =>
      progress.show(''),
    )
    const exit = result.fault?.exit ?? 0
    if (line.json) {
      const replacement = replacementJson(result)
      context.stdout.write(jsonLine({ lineage: lineage.id, replacement, exit }))
    } else if (!line.quiet || result.fault)
      context.stdout.write(screenText(resultText(lineage, result), context.stdout.columns))
    return exit
  } finally {
    await app.close()
  }
}

/** Each line broken at the end of the terminal's, and indented as it is. */
const screenText = (text: string, columns: number): string =>
  text
    .split('\n')
    .map(line => {
      const indent = line.length - line.trimStart().length
      const left = Math.max(40, columns) - indent
      return `${' '.repeat(indent)}${wrap(printableText(line, 1000), left, indent + 2)}\n`
    })
    .join('')

function resultText({ id }: Lineage, result: ReplacementResult): string {
  const { replacement, fault, planned } = result
  if (planned && !fault) return plannedText(id, planned)
  if (fault) return `${id}: ${replacement?.state ?? 'failed'}: ${fault.message}\n  → ${fault.advice}`
  if (!replacement) return `${id}: no older certificate ID is known, so there is nothing to replace`
  return `${id}: ${replacement.state}${replacement.reason ? `: ${replacement.reason}` : ''}`
}

/** One line a resource. */
export const plannedText = (id: string, planned: readonly BoundResource[]): string =>
  planned.length
    ? [
        `${id} would be put in place at`,
        ...planned.map(({ type, region, instance, domains, certificateId }) =>
          [
            `  ${type}`,
            region,
            instance,
            ...domains.filter(name => name !== instance),
            `(now ${certificateId})`,
          ]
            .filter(Boolean)
            .join(' '),
        ),
      ].join('\n')
    : `${id}: the service's search found no bound older certificate`
