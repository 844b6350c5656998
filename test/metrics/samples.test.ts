import { expect, test } from 'vitest'
import { parseSamples } from '../../src/metrics/samples.ts'

test('samples are read with labels and numbers as they were written', () => {
  const text = [
    '# HELP a_total Help {x="1"} 5',
    '# TYPE a_total counter',
    'a_total 3',
    'b{lineage="pem:\\"a\\\\n\\nb, }"} 1780000000.5',
    'c{a="1",b="2"} 1e+21',
    'd{} 0',
  ].join('\n')
  expect(parseSamples(text)).toEqual([
    { name: 'a_total', labels: {}, value: 3 },
    { name: 'b', labels: { lineage: 'pem:"a\\n\nb, }' }, value: 1_780_000_000.5 },
    { name: 'c', labels: { a: '1', b: '2' }, value: 1e21 },
    { name: 'd', labels: {}, value: 0 },
  ])
})

test.each([
  '',
  'a',
  'a -1',
  'a NaN',
  'a +Inf',
  'a 1e999',
  'a{b="c" 1',
  'a 1 1780000000000',
  '{} 1',
  '\0\ufffd',
])('%j is no sample and no error', text => {
  expect(parseSamples(text)).toEqual([])
})

test.each([
  ['letters', 'a'],
  ['open quotes', 'a="'],
  ['backslashes', '\\'],
  ['ends', '} 1'],
  ['blanks', ' '],
])('a line of a megabyte of %s takes a moment', (_, unit) => {
  const started = process.cpuUsage()
  parseSamples(`a{${unit.repeat((1 << 20) / unit.length)}} 1`)
  const { user, system } = process.cpuUsage(started)
  expect((user + system) / 1000).toBeLessThan(1_000)
})
