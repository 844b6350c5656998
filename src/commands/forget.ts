/** `certferry forget`: takes what is recorded of one lineage out of the state database. */
import { openApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { jsonLine, printableText } from '../terminal/text.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const [name, ...others] = line.operands
  if (name === undefined || others.length)
    throw new Fault('USAGE', 'forget takes one name, as status shows it')
  const { receipts } = await openApp(world, line, shutdownSignal(world))
  const receipt = receiptNamed(name, await receipts.all())
  await receipts.forget(receipt.lineage)
  if (line.json) {
    const { lineage, uploaded = null, superseded } = receipt
    world.stdout.write(jsonLine({ forgotten: { lineage, uploaded, superseded } }))
  } else world.stdout.write(`${printableText(sentenceOf(receipt), 10_000)}\n`)
  return 0
}

/** As with `sync --only`, the kind may be left out where that is clear. */
function receiptNamed(name: string, receipts: readonly Receipt[]): Receipt {
  const exact = receipts.find(({ lineage }) => lineage === name)
  const alike = receipts.filter(({ lineage }) => lineage.slice(lineage.indexOf(':') + 1) === name)
  const found = exact ?? (alike.length === 1 ? alike[0] : undefined)
  if (found) return found
  const names = alike.map(({ lineage }) => lineage).join(', ')
  throw new Fault('LINEAGE_UNKNOWN', names ? `"${name}" may be ${names}` : `nothing is recorded of "${name}"`)
}

function sentenceOf({ lineage, uploaded, superseded }: Receipt): string {
  const ids = [...(uploaded ? [uploaded] : []), ...superseded].map(({ certificateId }) => certificateId)
  return ids.length
    ? `${lineage} is forgotten; the account still has ${ids.join(', ')}`
    : `${lineage} is forgotten; nothing of it was uploaded`
}
