import { expect, test } from 'vitest'
import { durationText } from '../../src/terminal/text.ts'

test.each([
  [0, '0 s'],
  [75, '75 s'],
  [119, '119 s'],
  [120, '2 minutes'],
  [600, '10 minutes'],
  [7_200, '2 hours'],
  [172_800, '2 days'],
  [4_066_047, '47 days'],
])('%i seconds are said as %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text)
})
