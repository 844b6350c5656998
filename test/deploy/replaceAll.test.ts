/** What the last line of a terminal says while one lineage is replaced: what is waited for, and nothing that has not begun. */
import { expect, test } from 'vitest'
import { deploySettings } from '../../src/config/deploy.ts'
import { replaceAll } from '../../src/deploy/replaceAll.ts'
import type { Replacer } from '../../src/deploy/replacer.ts'
import { enter, newReplacement, REPLACEMENT_STATES } from '../../src/receipts/replacement.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import type { Outcome } from '../../src/upload/outcome.ts'

const NOW = new Date('2026-06-15T12:00:00Z')
const LINEAGE = { id: 'pem:a', deploy: deploySettings({ replace: true }) } as Lineage
const OUTCOME = { outcome: 'unchanged', lineage: 'pem:a' } as Outcome

test('a step is named while it lasts; a state in which nothing is waited for names none', async () => {
  const texts: string[] = []
  const replacer = {
    examine: async () => ({ due: [LINEAGE], others: new Map() }),
    replace: async (_, { onChange }) => {
      const begun = newReplacement('newBBBB2', NOW)
      for (const state of REPLACEMENT_STATES) onChange?.(enter(begun, state, NOW))
      return { replacement: begun, from: [] }
    },
  } as Partial<Replacer> as Replacer
  const onProgress = (text: string) => texts.push(text)
  await replaceAll([LINEAGE], [OUTCOME], async () => replacer, {
    dryRun: false,
    isHurried: false,
    onProgress,
  })
  const shown = Object.fromEntries(REPLACEMENT_STATES.map((state, i) => [state, texts[i]]))
  expect(shown).toMatchObject({
    surveying: 'pem:a: searching for what uses the older certificate',
    asked: 'pem:a: the service has been asked to replace it',
    running: 'pem:a: the service has begun to replace it',
    foreign: 'pem:a: waiting for another job of the account',
    replaced: 'pem:a: in place; asking its addresses',
  })
  for (const state of [
    'none',
    'nothing-bound',
    'uncovered',
    'untrusted',
    'partly',
    'verified',
    'stale',
    'held',
  ])
    expect(shown[state], state).toBe('')
  expect(texts.at(-1)).toBe('')
})
