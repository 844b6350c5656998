import { expect, test } from 'vitest'
import { pollCredentials } from '../../src/daemon/circuitBreaker.ts'

test('new credentials are told of once, the same ones never', async () => {
  const state = { mark: 'old', told: 0, looks: 0 }
  const mark = async () => {
    state.looks += 1
    return state.mark
  }
  const vigil = pollCredentials({ mark, isPaused: () => true, onNew: () => state.told++ }, 1)
  vigil.begin()
  await expect.poll(() => state.looks).toBeGreaterThan(1)
  expect(state.told).toBe(0)
  state.mark = 'new'
  await expect.poll(() => state.told).toBe(1)
  state.mark = 'newer'
  vigil.end()
  expect(state.told).toBe(1)
})

test('a rest that is over ends the vigil', async () => {
  let looks = 0
  const state = { isPaused: true, told: 0 }
  const mark = async () => {
    looks += 1
    return 'x'
  }
  const vigil = pollCredentials({ mark, isPaused: () => state.isPaused, onNew: () => state.told++ }, 1)
  vigil.begin()
  await expect.poll(() => looks).toBeGreaterThan(2)
  state.isPaused = false
  const more = async () => {
    const before = looks
    await new Promise(resolve => setImmediate(resolve))
    return looks - before
  }
  await expect.poll(more).toBe(0)
  expect(state.told).toBe(0)
})
