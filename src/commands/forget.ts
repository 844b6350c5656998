/** `certferry forget`: deletes the record of one lineage from the state database. */
import { openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { meantId } from '../sources/lineage.ts'
import { jsonLine, printableText } from '../terminal/text.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const [name, ...others] = line.operands
  if (name === undefined || others.length)
    throw new Fault('USAGE', 'forget takes one name, as status shows it')
  const { receipts } = await openApp(context, line, shutdownSignal(context))
  const receipt = findReceipt(name, await receipts.all())
  await receipts.forget(receipt.lineage)
  if (line.json) {
    const { lineage, uploaded = null, superseded } = receipt
    context.stdout.write(jsonLine({ forgotten: { lineage, uploaded, superseded } }))
  } else context.stdout.write(`${printableText(forgottenText(receipt), 10_000)}\n`)
  return 0
}

/** As with `sync --only`, the kind may be omitted if the name is unique. */
function findReceipt(name: string, receipts: readonly Receipt[]): Receipt {
  const exact = receipts.find(({ lineage }) => lineage === name)
  const alike = receipts.filter(({ lineage }) => lineage.slice(lineage.indexOf(':') + 1) === name)
  const found = exact ?? (alike.length === 1 ? alike[0] : undefined)
  if (found) return found
  const names = alike.map(({ lineage }) => lineage).join(', ')
  throw new Fault(
    'LINEAGE_UNKNOWN',
    names
      ? `"${name}" may be ${names}`
      : `nothing is recorded of "${name}"${meantId(
          name,
          receipts.map(({ lineage }) => lineage),
        )}`,
  )
}

function forgottenText({ lineage, uploaded, superseded }: Receipt): string {
  const ids = [...(uploaded ? [uploaded] : []), ...superseded].map(({ certificateId }) => certificateId)
  return ids.length
    ? `${lineage} is forgotten; the account still has ${ids.join(', ')}`
    : `${lineage} is forgotten; it was never uploaded`
}
