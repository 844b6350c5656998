/** Trials side by side: as many as there are processors, where each waits for a process of its own. */
import { availableParallelism } from 'node:os'

export async function inLanes<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  lanes = availableParallelism(),
): Promise<void> {
  const queue = items.values()
  const lane = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane))
}

/** So many of them, in the order the dice give. */
export function drawn<T>(items: readonly T[], count: number, dice: () => number): readonly T[] {
  const rest = [...items]
  return Array.from({ length: Math.min(count, items.length) }, () =>
    rest.splice(Math.floor(dice() * rest.length), 1),
  ).flat()
}
