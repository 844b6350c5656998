import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dismiss, draftFor, holderOf, leave, taken } from '../../src/receipts/exclusion.ts'
import { contentOf } from '../../src/receipts/store.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

const NAME = 'entries'

/** Adds an entry to the file, stopped for any time wherever it yields; a lost turn leads back to the beginning. */
function* adding(dir: string, entry: string): Generator<undefined, void> {
  const file = join(dir, NAME)
  for (;;) {
    const draft = draftFor({ dir, name: NAME })
    const read = contentOf(file)
    mkdirSync(draft.own)
    writeFileSync(join(draft.own, draft.token), `${read ?? ''}${entry} `)
    let folder: string | undefined
    do {
      yield
      folder = taken(draft)
    } while (!folder)
    yield
    const unchanged = contentOf(file) === read
    yield
    const put = unchanged && isMoved(join(folder, draft.token), file)
    yield
    leave(folder, draft.token)
    if (put) return
  }
}

function isMoved(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch {
    return false
  }
}

/** As impatient as can be: dismisses whoever has the turn, alive or not. */
const thief = (dir: string) => {
  const draft = draftFor({ dir, name: NAME })
  dismiss(draft, holderOf(draft))
}

const ADDERS = 4
const schedule = fc.array(fc.nat(ADDERS), { maxLength: 120 })

test('however the steps of several interleave, and whoever is robbed of a turn at any moment, nothing is lost', async () => {
  const root = await temporaryDirectory()
  fc.assert(
    fc.property(schedule, steps => {
      const dir = mkdtempSync(join(root, 'state-'))
      const entries = Array.from({ length: ADDERS }, (_, i) => `entry${i}`)
      const adders = entries.map(entry => adding(dir, entry))
      for (const step of steps) {
        const adder = adders[step]
        if (adder) adder.next()
        else thief(dir)
      }
      while (adders.map(adder => adder.next().done).includes(false));
      expect(readFileSync(join(dir, NAME), 'utf8').trim().split(' ').sort()).toEqual(entries)
      expect(readdirSync(dir)).toEqual([NAME])
    }),
    { numRuns: 100 },
  )
})
