import { expect, test } from 'vitest'
import { traceOf } from '../../src/upload/report.ts'

test('it says where an error happened and not a line of what it said', () => {
  const lines = traceOf(new Error('hush\n-----BEGIN PRIVATE KEY-----\nhush\n'))
  expect(lines[0]).toMatch(/^ +at .*trace\.test\.ts:\d+/)
  expect(lines.join('\n')).not.toMatch(/hush|BEGIN/)
})

test('what is no error has none', () => {
  expect(traceOf('hush')).toEqual([])
})
