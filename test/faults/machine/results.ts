/** Adds up what the trials of one fault have cost, and holds the sum to the promise. */
import { expect } from 'vitest'
import { promised } from '../run.ts'
import type { Ended } from './child.ts'
import type { Account } from './costs.ts'
import type { Command, Ground } from './stateDirFixture.ts'

export interface Trial {
  /** In words, to find it again. */
  readonly what: string
  readonly ground: Ground
  readonly command: Command
  /** What ran under the fault. */
  readonly made: Ended
}

export interface Ledger {
  /** A fault that is over: what it left undone must show in the exit code; then it is healed and accounted for. */
  readonly enter: (trial: Trial) => Promise<void>
  readonly book: (what: string, account: Account) => void
  /** Something else that was promised and is not so. */
  readonly complain: (what: string) => void
  readonly close: () => void
}

export function openLedger(fault: string, how: string): Ledger {
  const sums = { runs: 0, lost: 0, duplicated: 0, leaked: 0 }
  const broken: string[] = []
  const complain = (what: string) => void broken.push(what)
  const book = (what: string, { lost, duplicated, leaked, left }: Account) => {
    sums.runs += 1
    sums.lost += lost.length
    sums.duplicated += duplicated.length
    sums.leaked += leaked.length
    for (const [name, found] of Object.entries({ lost, duplicated, leaked, left }))
      if (found.length) complain(`${what}: ${name} ${found.join(', ')}`)
  }
  return {
    complain,
    book,
    enter: async ({ what, ground, command, made }) => {
      const undone = await ground.undone(command)
      if (made.code === 0 && undone.length) complain(`${what}: exit 0 without ${undone.join(', ')}`)
      const healed = await ground.pass()
      if (healed.code !== 0) complain(`${what}: healing ended with ${healed.code}: ${healed.stdout}`)
      book(what, await ground.account([made, healed]))
      await ground.close()
    },
    close: () => {
      expect(broken).toEqual([])
      promised({ fault, how, ...sums })
    },
  }
}
