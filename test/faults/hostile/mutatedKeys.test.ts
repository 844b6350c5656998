/** Private keys changed in bytes, lines and trees of DER. */
import { test } from 'vitest'
import { times } from '../run.ts'
import { toBeChanged } from './corpus.ts'
import { mutate } from './mutation.ts'
import { blocksOf, oneOf, withPemChanged } from './mutator.ts'

const SMALL = 16_384

test('changed keys: no crash, no hang, no word of them, and nothing taken for a pair that is none', async () => {
  const small = (await toBeChanged()).filter(({ chain, key }) => chain.length < SMALL && key.length < SMALL)
  // of the many that differ only in their certificates one is enough, or most changes would be of one key
  const pairs = small.filter(({ key }, i) => small.findIndex(other => other.key === key) === i)
  const blocks = pairs.flatMap(({ key }) => blocksOf(key).map(({ der }) => der))
  await mutate({
    title: 'changed keys',
    how: 'bytes, lines and DER trees',
    count: times(700, 66_000),
    pairs,
    change: (pair, dice) => ({ ...pair, key: withPemChanged(pair.key, dice, oneOf(dice, blocks)) }),
  })
})
