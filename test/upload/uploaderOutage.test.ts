import { expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { failureOf } from '../tencent/clientFixture.ts'
import { stage } from './uploaderFixture.ts'

test('a service that answers nobody ends every upload with one fault, once the first has used up its attempts', async () => {
  const { upload, said } = await stage({ endpoint: 'http://127.0.0.1:9' })
  const faults = await Promise.all(Array.from({ length: 10 }, () => failureOf(upload())))
  expect(faults[0]).toMatchObject({ code: 'NETWORK', exit: 75 })
  expect(new Set(faults).size).toBe(1)
  expect(said.filter(({ level, event }) => level === 'info' && event === 'retry')).toHaveLength(1)
})

test('a service that refuses nobody but answers badly for one certificate lets the others through', async () => {
  const { upload } = await stage({ faults: ({ n }) => (n % 2 ? 'internal-error' : undefined) })
  const uploaded = await Promise.all(Array.from({ length: 6 }, () => upload()))
  expect(new Set(uploaded.map(({ certificateId }) => certificateId)).size).toBe(1)
})

test('an interruption is told as one, to everybody, and without a request more', async () => {
  const end = new AbortController()
  let asked = 0
  const { upload } = await stage({
    signal: end.signal,
    faults: () => {
      asked += 1
      end.abort(new Fault('INTERRUPTED', 'interrupted (SIGTERM)'))
      return { stall: 5_000 }
    },
  })
  const faults = await Promise.all([failureOf(upload()), failureOf(upload()), failureOf(upload())])
  expect(asked).toBe(1)
  expect(new Set(faults).size).toBe(1)
  expect(faults[0]).toMatchObject({ code: 'INTERRUPTED', exit: 75, message: 'interrupted (SIGTERM)' })
})

test('a halt ends what waits for its turn, without a request', async () => {
  const { upload, uploader, codes } = await stage()
  const full = new Fault('STATE_DIR_UNUSABLE', 'the disk is full')
  await upload()
  uploader.halt(full)
  expect(await failureOf(upload())).toBe(full)
  expect(codes()).toHaveLength(1)
})
