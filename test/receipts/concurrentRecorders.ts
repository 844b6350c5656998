/** Processes that record uploads of their own for one lineage, all at the same time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { upload } from './stateDirectory.ts'

const SCRIPT = `
import { once } from 'node:events'
import { openReceiptStore } from '${new URL('../../src/receipts/store.ts', import.meta.url)}'
import { withUpload } from '${new URL('../../src/receipts/receipt.ts', import.meta.url)}'
const { DIR, LINEAGE, IDS, UPLOAD } = process.env
const uploadedAs = certificateId => receipt => withUpload(receipt, { ...JSON.parse(UPLOAD), certificateId }, false)
const receipts = openReceiptStore(DIR, () => process.exit(3), () => new Date())
process.stdout.write('ready')
await once(process.stdin, 'data')
await receipts.prepare()
for (const id of IDS.split(' ')) await receipts.record(LINEAGE, uploadedAs(id))
process.exit()
`

/** Resolves to every ID recorded. */
export async function recordingElsewhere(
  dir: string,
  lineage: string,
  { processes, uploads }: { readonly processes: number; readonly uploads: number },
): Promise<readonly string[]> {
  const idsOf = (n: number) => Array.from({ length: uploads }, (_, i) => `p${n}u${i}`)
  const children = Array.from({ length: processes }, (_, n) =>
    spawn(execPath, ['--input-type=module-typescript', '--eval', SCRIPT], {
      env: { DIR: dir, LINEAGE: lineage, IDS: idsOf(n).join(' '), UPLOAD: JSON.stringify(upload('')) },
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  await Promise.all(children.map(child => once(child.stdout, 'data')))
  const ends = children.map(child => once(child, 'exit'))
  // only now, when none has anything left to load
  for (const child of children) child.stdin.write('go')
  for (const [code] of await Promise.all(ends))
    if (code !== 0) throw new Error(`a recorder ended with ${code}`)
  return children.flatMap((_, n) => idsOf(n))
}
