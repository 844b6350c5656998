/** `certferry replace` and its common part with `certferry rollback`: one lineage, at once. */
import { type App, logInsecurePermissions, openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { type BoundResource, type ReplacementResult, replacementJson } from '../receipts/replacement.ts'
import { filterByName, listLineages } from '../sources/discover.ts'
import type { Lineage } from '../sources/lineage.ts'
import { jsonLine, printableText } from '../terminal/text.ts'

export const run = (context: ProcessContext, line: CommandLine): Promise<number> =>
  runForOne(context, line, async (app, lineage) => {
    const { replace } = await app.replacer()
    const options = { force: line.force ?? false, dryRun: line.dryRun ?? false, isHurried: false }
    return replace(lineage, { ...options, isNow: true })
  })

/** @throws Fault USAGE or LINEAGE_UNKNOWN where the name is not that of one lineage. */
export async function runForOne(
  context: ProcessContext,
  line: CommandLine,
  work: (app: App, lineage: Lineage) => Promise<ReplacementResult>,
): Promise<number> {
  const [name, ...others] = line.operands
  if (name === undefined || others.length)
    throw new Fault('USAGE', 'expected one name, as `certferry status` shows it')
  const deadline = line.deadline === undefined ? undefined : context.endWithin(line.deadline)
  const app = await openApp(context, line, shutdownSignal(context, deadline))
  try {
    logInsecurePermissions(app)
    const { lineages } = filterByName(await listLineages(app.settings, context.home), [name])
    const [lineage, ...more] = lineages
    if (!lineage || more.length) {
      const names = lineages.map(({ id }) => id).join(', ')
      throw new Fault('LINEAGE_UNKNOWN', names ? `"${name}" may be ${names}` : `there is no "${name}"`)
    }
    const result = await work(app, lineage)
    const exit = result.fault?.exit ?? 0
    if (line.json) {
      const replacement = replacementJson(result)
      context.stdout.write(jsonLine({ lineage: lineage.id, replacement, exit }))
    } else
      context.stdout.write(
        `${resultText(lineage, result)
          .split('\n')
          .map(one => printableText(one, 1000))
          .join('\n')}\n`,
      )
    return exit
  } finally {
    await app.close()
  }
}

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
          [' ', type, region, instance, domains.join(' '), `(now ${certificateId})`]
            .filter(Boolean)
            .join(' '),
        ),
      ].join('\n')
    : `${id}: no older certificate is bound anywhere, as far as the service's search sees`
