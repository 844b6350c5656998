/** A pass over many lineages: each is looked at, and those caught mid-change are looked at again. */
import type { Lineage } from './core/lineage.ts'
import type { Outcome } from './core/outcome.ts'
import { settingsDigest } from './core/upload.ts'
import { type Effects, sync, type Wishes } from './sync.ts'

export interface PassEffects extends Effects {
  /** Told of every outcome once, as it happens. */
  readonly tell: (outcome: Outcome) => void
  /** Resolves after so many milliseconds, or at once when the pass has run out of time. */
  readonly wait: (ms: number) => Promise<void>
}

/** Pauses between looks at a lineage that is mid-change: the last look is 3.75 s after the first. */
const LOOKS = [250, 500, 1_000, 2_000] as const

/** Lineages under way at once: more than requests ever are, so that reading never holds up sending. */
const WIDTH = 64

/** One pass over these lineages. One that fails never stops the others; the outcomes come in the lineages' order. */
export async function pass(
  lineages: readonly Lineage[],
  effects: PassEffects,
  wishes: Omit<Wishes, 'last'>,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<string, Outcome>()
  const alone = new Set<string>()
  const shared = sharingUploads(effects)
  let waiting = lineages
  for (const [round, pause] of [...LOOKS, undefined].entries()) {
    const last = pause === undefined
    await each(waiting, async lineage => {
      // a leaf that stands alone for the first time at the last look may be a chain that is just being written
      const outcome = await sync(lineage, shared, { ...wishes, last: last && alone.has(lineage.id) })
      if (isAwaited(outcome)) alone.add(lineage.id)
      else alone.delete(lineage.id)
      if (isMidChange(outcome) && !last) return
      outcomes.set(lineage.id, outcome)
      effects.tell(outcome)
    })
    waiting = lineages.filter(({ id }) => !outcomes.has(id))
    if (!waiting.length || last) break
    await effects.wait(LOOKS[round] ?? 0)
  }
  return lineages.flatMap(({ id }) => outcomes.get(id) ?? [])
}

const isMidChange = (outcome: Outcome) => outcome.outcome === 'failed' && outcome.fault.retry === 'soon'

const isAwaited = (outcome: Outcome) =>
  outcome.outcome === 'failed' && outcome.fault.code === 'ISSUER_AWAITED'

/**
 * Two paths to the same certificate cost one upload: within a pass the second shares the first one's answer. Not where
 * their settings differ: a certificate refused for one's settings is not refused for the other's.
 */
function sharingUploads(effects: Effects): Effects {
  const under = new Map<string, ReturnType<Effects['upload']>>()
  return {
    ...effects,
    upload: (bundle, lineage) => {
      const key = `${bundle.fingerprint} ${settingsDigest(bundle, lineage.upload)}`
      const earlier = under.get(key)
      if (earlier) return earlier.then(uploaded => ({ ...uploaded, reused: true, attempts: 0 }))
      const upload = effects.upload(bundle, lineage)
      under.set(key, upload)
      return upload
    },
  }
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, worker))
}
