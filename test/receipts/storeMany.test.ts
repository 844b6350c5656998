import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { limitConcurrency } from '../../src/util/async.ts'
import { readyStage, uploadedAs } from './stateDirectory.ts'

describe('hundreds of receipts at the same moment', () => {
  test('take few open files, and none is lost', async () => {
    const { receipts } = await readyStage()
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    let most = 0
    const lineages = Array.from({ length: 300 }, (_, i) => `certbot:${i}.example`)
    await Promise.all(
      lineages.map(lineage =>
        receipts.record(lineage, receipt => {
          most = Math.max(most, open() - before)
          return uploadedAs('id')(receipt)
        }),
      ),
    )
    expect(most).toBeLessThan(64)
    expect((await receipts.all()).map(({ lineage }) => lineage).toSorted()).toEqual(lineages.toSorted())
  })
})

test('what is limited goes on in its order, also when something before it fails', async () => {
  const atOnce = limitConcurrency(2)
  const begun: number[] = []
  const doors = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const works = doors.map(({ promise }, i) =>
    atOnce(async () => {
      begun.push(i)
      await promise
    }).catch(() => {}),
  )
  expect(begun).toEqual([0, 1])
  doors[1]?.reject(new Error('broken'))
  await works[1]
  expect(begun).toEqual([0, 1, 2])
  for (const { resolve } of doors) resolve()
  await Promise.all(works)
  expect(begun).toEqual([0, 1, 2, 3])
})
