import { expect, test } from 'vitest'
import { statusLine } from '../../src/daemon/daemon.ts'

// in the local time of the test
const now = new Date(2026, 10, 24, 17, 0).getTime()
const line = (certificates: number, nextRescan: Date | null) =>
  statusLine({ certificates, pending: 1, nextRescan, now })

test('status line: certificates, pending ones and the time of the next rescan', () => {
  expect(line(42, new Date(2026, 10, 24, 18, 17))).toBe('42 certificates, 1 pending, next rescan 18:17')
  expect(line(1, new Date(2026, 10, 25, 4, 17))).toBe('1 certificate, 1 pending, next rescan 04:17')
})

test('status line: a rescan that is more than a day away has its day', () => {
  expect(line(0, new Date(2026, 10, 29, 4, 5))).toBe(
    '0 certificates, 1 pending, next rescan Sun Nov 29 04:05',
  )
})

test('status line: without a next rescan none is named', () => {
  expect(line(2, null)).toBe('2 certificates, 1 pending')
})
