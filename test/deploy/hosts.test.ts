/** Hosts that share an account: whoever asks first, the older certificate is replaced by one job. */
import { expect, test } from 'vitest'
import { simulateNight } from './night.ts'

const SEEDS = [0, 3, 4]

const statesOf = ({ outcomes }: Awaited<ReturnType<typeof simulateNight>>) =>
  outcomes.map(({ replacement }) => replacement?.replacement?.state)

test.each(SEEDS)('50 hosts with one certificate make one record, at once, seed %i', async seed => {
  const night = await simulateNight({ lineages: 1, hosts: 50, seed })
  expect(statesOf(night)).toEqual(Array(50).fill('verified'))
  expect(night.resources).toEqual([{ isRenewed: true }])
  expect(night.jobs).toHaveLength(1)
})

test.each(SEEDS)(
  '50 hosts with one certificate make one record, within five minutes, seed %i',
  async seed => {
    const night = await simulateNight({ lineages: 1, hosts: 50, within: 300, seed })
    expect(statesOf(night)).toEqual(Array(50).fill('verified'))
    expect(night.resources).toEqual([{ isRenewed: true }])
    expect(night.jobs).toHaveLength(1)
  },
)

test.each(SEEDS)(
  'two hosts with the same three certificates make one record for each, seed %i',
  async seed => {
    const night = await simulateNight({ lineages: 3, hosts: 2, within: 20, seed })
    expect(statesOf(night)).toEqual(Array(6).fill('verified'))
    expect(new Set(night.jobs.map(({ from, to }) => `${from} ${to}`)).size).toBe(3)
    expect(night.jobs).toHaveLength(3)
  },
)

test.each(SEEDS)(
  'two hosts with a renewal each in place of the same certificate do not undo each other, seed %i',
  async seed => {
    const night = await simulateNight({ lineages: 1, hosts: 2, ownRenewals: true, within: 20, seed })
    // one record for the older ID; the other host finds that nothing is left to replace
    expect(night.jobs).toHaveLength(1)
    expect(night.resources).toEqual([{ isRenewed: true }])
    // the other knows that its certificate is not in place: it saw where the older one was, or came after
    const [other, first] = statesOf(night).toSorted()
    expect(first).toBe('verified')
    expect(['nothing-bound', 'unverified']).toContain(other)
  },
)
