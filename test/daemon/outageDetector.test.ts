/** A service that throttles, resets, stalls and answers nonsense, the same way for a seed: every certificate arrives, once. */
import { expect, test } from 'vitest'
import { randomFaults } from '../../src/emulator/faults.ts'
import { sleep } from '../../src/util/async.ts'
import { openStage } from '../commands/commandFixture.ts'

test.each([1, 42])(
  '12 certificates get their IDs in the weather of seed %i, each stored once',
  async seed => {
    const { type, certbot, emulator } = await openStage({
      rate: 10,
      faults: randomFaults(seed, { stall: 50 }),
    })
    for (let i = 0; i < 12; i++) await certbot(`host${i}.example`)
    const { results, exit } = (await type(['sync', '--json'], { wait: sleep })).json()

    expect(exit).toBe(0)
    expect(emulator.entries.length).toBeGreaterThan(12)
    expect(emulator.certificates()).toHaveLength(12)
    const ids = new Set(emulator.certificates().map(({ id }) => id))
    for (const { certificateId } of results) expect(ids.delete(String(certificateId))).toBe(true)
  },
  60_000,
)
