/** Chains changed in bytes, lines and trees of DER. */
import { test } from 'vitest'
import { times } from '../run.ts'
import { toBeChanged } from './corpus.ts'
import { mutate } from './mutation.ts'
import { blocksOf, oneOf, withPemChanged } from './mutator.ts'

/** Large ones are in the corpus as they are; changing them finds little and takes long. */
const SMALL = 16_384

test('changed chains: no crash, no hang, no word of a key, and nothing taken for a pair that is none', async () => {
  const pairs = (await toBeChanged()).filter(
    ({ verdict, chain }) => verdict === 'pair' && chain.length < SMALL,
  )
  const blocks = pairs.flatMap(({ chain }) => blocksOf(chain).map(({ der }) => der))
  await mutate({
    title: 'changed chains',
    how: 'bytes, lines and DER trees',
    count: times(700, 105_000),
    pairs,
    change: (pair, dice) => ({ ...pair, chain: withPemChanged(pair.chain, dice, oneOf(dice, blocks)) }),
  })
})
