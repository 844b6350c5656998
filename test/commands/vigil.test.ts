import { expect, test, vi } from 'vitest'
import { openVigil } from '../../src/commands/vigil.ts'

test('new credentials are told of once, the same ones never', async () => {
  const state = { mark: 'old', told: 0 }
  const vigil = openVigil({ mark: async () => state.mark, resting: () => true, onNew: () => state.told++ }, 1)
  vigil.begin()
  await vi.waitFor(() => expect(state.told).toBe(0))
  state.mark = 'new'
  await vi.waitFor(() => expect(state.told).toBe(1))
  state.mark = 'newer'
  vigil.end()
  expect(state.told).toBe(1)
})

test('a rest that is over ends the vigil', async () => {
  let looks = 0
  const state = { resting: true, told: 0 }
  const mark = async () => {
    looks += 1
    return 'x'
  }
  const vigil = openVigil({ mark, resting: () => state.resting, onNew: () => state.told++ }, 1)
  vigil.begin()
  await vi.waitFor(() => expect(looks).toBeGreaterThan(2))
  state.resting = false
  await vi.waitFor(async () => {
    const before = looks
    await new Promise(resolve => setImmediate(resolve))
    expect(looks).toBe(before)
  })
  expect(state.told).toBe(0)
})
