/** A run over ten thousand lineages: when nothing has changed, and when nothing is known yet. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openService } from '../localService.ts'
import { inTurns, ratio, type Samples, typical } from '../pairs.ts'
import { used } from '../process.ts'
import { BARE_NODE, BUILT, PROOFS, STATS } from '../programs.ts'
import { sharedEstate, sourcesOf } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

/** What a server has that is not one of thousands. */
const FEW = 100

/** Each receipt as a file, which is how a script would keep them. */
function receiptFiles(state: string, folder: string): string {
  mkdirSync(folder)
  const db = new DatabaseSync(join(state, 'state.db'), { readOnly: true })
  const rows = db.prepare('SELECT * FROM lineages').all()
  for (const row of rows)
    writeFileSync(join(folder, `${encodeURIComponent(`${row.name}`)}.json`), JSON.stringify(row))
  db.close()
  return folder
}

export async function sync(workplace: Workplace): Promise<readonly Figure[]> {
  const { sizes, place, say } = workplace
  say(`  ${sizes.syncLineages} lineages are written and uploaded`)
  const { roots, state, words } = await sharedEstate(workplace, sizes.syncLineages)
  const few = await sharedEstate(workplace, FEW)
  const receipts = receiptFiles(state, workplace.placeInMemory('receipts'))
  const live = roots.map(root => join(root, 'live'))
  const service = await openService()
  const env = service.environment
  const first = [...BUILT, 'sync', '--dry-run', ...sourcesOf(roots)]
  try {
    const samples = await inTurns(sizes.syncRounds, {
      unchanged: () => used([...BUILT, 'sync', ...words], { env }),
      stats: () => used([...STATS, receipts, ...live]),
      few: () => used([...BUILT, 'sync', ...few.words], { env }),
      bare: () => used(BARE_NODE),
      // nothing is sent: to upload ten thousand would measure the limit
      first: () => used([...first, '--state-dir', place('state')], { env }),
      proofs: () => used([...PROOFS, ...live]),
    })
    if (service.emulator.entries.length) throw new Error('what was to be unchanged has been uploaded')
    return [
      against('sync-few', samples.few, samples.bare),
      memory('sync-few-memory', samples.few, samples.bare),
      against('sync-unchanged', samples.unchanged, samples.stats),
      against('sync-first', samples.first, samples.proofs),
      ...proof(samples.first, samples.bare, sizes.syncLineages),
    ]
  } finally {
    await service.close()
  }
}

/** What the whole run takes beyond Node's own start: to list, read, prove and report. */
function proof(first: Samples, bare: Samples, lineages: number): readonly Figure[] {
  const each = (of: 'wall' | 'cpu') => (typical(first, of) - typical(bare, of)) / lineages
  const peak = typical(first, 'memory')
  return [
    { id: 'proof-time', value: each('wall'), says: `processor ${each('cpu').toFixed(2)} ms` },
    { id: 'proof-memory', value: peak, says: `${lineages} in one run` },
  ]
}

const memory = (id: string, ours: Samples, peer: Samples): Figure => ({
  id,
  ...ratio(ours, peer, 'memory'),
  says: `${typical(ours, 'memory').toFixed(0)} against ${typical(peer, 'memory').toFixed(0)} MiB`,
})

function against(id: string, ours: Samples, peer: Samples): Figure {
  const seconds = (of: 'wall' | 'cpu') =>
    [ours, peer].map(samples => (typical(samples, of) / 1_000).toFixed(2)).join(' against ')
  const cpu = ratio(ours, peer, 'cpu').value.toFixed(2)
  const peak = typical(ours, 'memory').toFixed(0)
  return {
    id,
    ...ratio(ours, peer, 'wall'),
    says: `${seconds('wall')} s; processor ${seconds('cpu')} s, ${cpu} ×; peak ${peak} MiB`,
  }
}
