import { describe, expect, test } from 'vitest'
import { budgetFinding } from '../../src/doctor/watching.ts'

const budget = (
  watches: readonly [used: number, limit: number],
  instances: readonly [number, number] = [3, 128],
) => ({
  limits: { watches: watches[1], instances: instances[1] },
  used: { watches: watches[0], instances: instances[0] },
})

describe('the kernel allows', () => {
  test('enough watches: what is needed, in use and allowed is said', () => {
    expect(budgetFinding(3, budget([12, 8192]))).toEqual({
      about: 'watching',
      level: 'ok',
      says: '3 watches needed; this user has 12 of 8192 in use',
    })
    expect(budgetFinding(8180, budget([12, 8192])).level).toBe('ok')
  })

  test('too few watches: the setting that helps has room for twice as many, and outlives a restart', () => {
    const found = budgetFinding(8181, budget([12, 8192]))
    expect(found).toMatchObject({
      level: 'warning',
      says: expect.stringContaining('polled every five seconds'),
    })
    expect(found.command).toBe(
      'echo fs.inotify.max_user_watches=32768 | sudo tee /etc/sysctl.d/60-certferry.conf && sudo sysctl --system',
    )
    expect(budgetFinding(10_001, budget([0, 8192])).command).toContain('=32768 ')
  })

  test('no further instance', () => {
    const found = budgetFinding(1, budget([0, 8192], [128, 128]))
    expect(found).toMatchObject({
      level: 'warning',
      says: expect.stringContaining('all 128 inotify instances'),
    })
    expect(found.command).toContain('fs.inotify.max_user_instances=512 ')
  })

  test('what nobody knows: the need alone is said', () => {
    const none = Number.POSITIVE_INFINITY
    expect(budgetFinding(1, budget([0, none], [0, none]))).toMatchObject({
      level: 'ok',
      says: '1 watch needed',
    })
  })
})
