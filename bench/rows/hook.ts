/** The hook as a whole process, for a certificate that was uploaded before and for one that was not; and its peers. */
import { join } from 'node:path'
import { openService, type Service } from '../localService.ts'
import { type Estimate, inTurns, ratio, type Samples, typical } from '../pairs.ts'
import { used } from '../process.ts'
import { BARE_NODE, BUILT, CURL, EXECUTABLE, type Program, SDK } from '../programs.ts'
import { nameOf, writeTree } from '../trees.ts'
import { aged } from '../uploadedLineages.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

export async function hook(workplace: Workplace): Promise<readonly Figure[]> {
  const { sizes, pool, place } = workplace
  // one that stays, and for every round, the first that does not count too, one for each who uploads
  const lineages = 1 + (sizes.hookRounds + 1) * 4
  const root = writeTree(place('letsencrypt'), lineages, await pool.fresh(lineages))
  await aged()
  const service = await openService()
  try {
    const samples = await inTurns(sizes.hookRounds, await contenders(root, service, workplace))
    return [...ofBuilt(samples), ...ofExecutable(samples)]
  } finally {
    await service.close()
  }
}

type Contender = 'bare' | 'unchanged' | 'packed' | 'upload' | 'packedUpload' | 'sdk' | 'curl'
type All = Readonly<Record<Contender, Samples>>

async function contenders(root: string, { environment }: Service, { place }: Workplace) {
  let next = 1
  const live = (i: number) => join(root, 'live', nameOf(i))
  const hookOf = (program: Program, state: string) => (i: number) =>
    used([...program, 'hook'], {
      env: { ...environment, CERTFERRY_STATE_DIR: state, RENEWED_LINEAGE: live(i) },
    })
  const script = (program: Program) => () => {
    const folder = live(next++)
    return used([...program, join(folder, 'fullchain.pem'), join(folder, 'privkey.pem'), 'bench'], {
      env: environment,
    })
  }
  const built = hookOf(BUILT, place('state'))
  const packed = hookOf(EXECUTABLE, place('state'))
  await built(0)
  await packed(0)
  return {
    bare: () => used(BARE_NODE),
    unchanged: () => built(0),
    packed: () => packed(0),
    upload: () => built(next++),
    packedUpload: () => packed(next++),
    sdk: script(SDK),
    curl: script(CURL),
  }
}

/** Judged by the time on the wall, for that is what a user waits; the processor's time is the steadier figure. */
function time(id: string, all: All, ours: Contender, peer: Contender): Figure {
  const both = (of: 'wall' | 'cpu') =>
    [ours, peer].map(name => `${typical(all[name], of).toFixed(0)}`).join(' against ')
  const cpu: Estimate = ratio(all[ours], all[peer], 'cpu')
  return {
    id,
    ...ratio(all[ours], all[peer], 'wall'),
    says: `${both('wall')} ms; processor ${both('cpu')} ms, ${cpu.value.toFixed(2)} ×`,
  }
}

const memory = (id: string, all: All, ours: Contender, peer: Contender): Figure => ({
  id,
  ...ratio(all[ours], all[peer], 'memory'),
  says: `${typical(all[ours], 'memory').toFixed(0)} against ${typical(all[peer], 'memory').toFixed(0)} MiB`,
})

function ofBuilt(all: All): readonly Figure[] {
  const peak = `; peak ${typical(all.upload, 'memory').toFixed(0)} MiB`
  const upload = time('hook-upload-time', all, 'upload', 'bare')
  return [
    time('hook-unchanged-time', all, 'unchanged', 'bare'),
    memory('hook-unchanged-memory', all, 'unchanged', 'bare'),
    { ...upload, says: upload.says + peak },
    time('hook-upload-sdk', all, 'upload', 'sdk'),
    time('hook-upload-curl', all, 'upload', 'curl'),
  ]
}

const ofExecutable = (all: All): readonly Figure[] => [
  time('executable-unchanged', all, 'packed', 'unchanged'),
  time('executable-upload', all, 'packedUpload', 'upload'),
]
