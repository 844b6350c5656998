/** A lineage's certificate IDs: the current one, and those that it is to take the place of. Pure. */
import type { DeploySettings } from '../config/deploy.ts'
import { isOlder, type Receipt, type Superseded, type Upload } from '../receipts/receipt.ts'

export interface Chain {
  readonly current: Upload
  /** IDs that may still be bound, newest first. */
  readonly older: readonly string[]
  /** Those of them of which that is not known. */
  readonly unknown: readonly string[]
  /** Those of them that were bound nowhere when that was found out last. */
  readonly free: ReadonlySet<string>
  /** The digests of leaves that this lineage had before. */
  readonly earlierLeaves: ReadonlySet<string>
  /** The latest end of the older ones, as far as it is known. */
  readonly notAfter: Date | undefined
}

/** Of IDs that were found to be bound nowhere, those that are asked for again where that is in doubt. */
const ASKED_AGAIN = 20

/** Undefined where nothing is uploaded to this endpoint. `isInDoubt`: also with IDs that were found to be bound nowhere. */
export function chainOf(
  receipt: Receipt,
  { replaces }: Pick<DeploySettings, 'replaces'>,
  endpoint: string,
  isInDoubt = false,
): Chain | undefined {
  const { uploaded, replacement } = receipt
  if (uploaded?.endpoint !== endpoint) return undefined
  const earlier = receipt.superseded.filter(one => isEarlier(one, uploaded))
  const kept = earlier.filter(({ deletedAt }) => !deletedAt)
  const open = kept.filter(({ bound }, i) => bound !== 'no' || (isInDoubt && i < ASKED_AGAIN))
  const isCurrent = !isInDoubt && replacement?.to === uploaded.certificateId
  const { unbound = [], left = [] } = isCurrent ? replacement : {}
  const named = replaces.filter(id => id !== uploaded.certificateId && !unbound.includes(id))
  const ends = open.map(({ notAfter }) => notAfter).sort()
  const last = ends.at(-1)
  return {
    current: uploaded,
    older: [...new Set([...open.map(({ certificateId }) => certificateId), ...named])],
    unknown: [
      ...open.flatMap(one => (one.bound ? [] : one.certificateId)),
      ...named.filter(id => !left.includes(id)),
    ],
    free: new Set(open.flatMap(({ bound, certificateId }) => (bound === 'no' ? certificateId : []))),
    earlierLeaves: new Set(earlier.flatMap(({ leaf }) => leaf ?? [])),
    notAfter: last === undefined ? undefined : new Date(last),
  }
}

/** One that may be newer than the current certificate is never replaced by it. */
const isEarlier = (one: Superseded, current: Upload): boolean =>
  one.certificateId !== current.certificateId &&
  (one.endpoint ?? current.endpoint) === current.endpoint &&
  !(one.notBefore !== undefined && isOlder(current, { notBefore: one.notBefore, notAfter: one.notAfter }))

/** With what a survey found out about the older IDs. */
export const withBound = (
  receipt: Receipt,
  bound: ReadonlyMap<string, 'no' | 'yes'>,
  now: Date,
): Receipt => ({
  ...receipt,
  superseded: receipt.superseded.map(one => {
    const found = bound.get(one.certificateId)
    return found ? { ...one, bound: found, boundAt: now.toISOString() } : one
  }),
})
