import { expect, test } from 'vitest'
import { Fault } from '../../src/errors.ts'
import { fresh, old, stage } from './syncAllFixture.ts'

test('once a receipt cannot be written the uploads are halted, and the ID that was given is reported', async () => {
  const unusable = new Fault('STATE_DIR_UNUSABLE', 'the state directory /s cannot be used (ENOSPC)')
  const halted: Fault[] = []
  const { run } = stage(
    { a: old, b: fresh },
    {
      record: () => Promise.reject(unusable),
      abort: fault => halted.push(fault),
      upload: async () => {
        if (halted[0]) throw halted[0]
        return { certificateId: 'ID1', requestId: 'r', reused: false, attempts: 1 }
      },
    },
  )
  const [first] = await run()
  expect(halted[0]).toBe(unusable)
  expect(first).toMatchObject({
    fault: { code: 'UPLOAD_NOT_RECORDED', message: expect.stringMatching(/^uploaded as ID1, but /) },
  })
})
