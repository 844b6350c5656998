import { readFile } from 'node:fs/promises'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { withWanted } from '../../src/core/setupConfig.ts'
import { SERVICE, setupSteps, TIMER } from '../../src/core/setupPlan.ts'

const ENDPOINT = 'https://ssl.intl.tencentcloudapi.com'
const SOURCES = [{ kind: 'certbot', path: '/srv/le' }]
const example = await readFile('config/certferry.example.toml', 'utf8')

describe('the configuration that setup writes', () => {
  test.each([
    ['no file', ''],
    ['the commented example', example],
    ['a table that is there', '[tencent]\nregion = "ap-guangzhou"\n'],
    ['another endpoint', '[tencent]\nendpoint = "https://old.example"\n'],
    ['a file without a newline at its end', '[log]\nlevel = "warn"'],
  ])('has what was asked for, over %s, and keeps the rest', (_, before) => {
    const text = withWanted(before, parse(before), { endpoint: ENDPOINT, sources: SOURCES })
    expect(parse(text)).toEqual({
      ...parse(before),
      tencent: { ...(parse(before).tencent as object), endpoint: ENDPOINT },
      source: SOURCES,
    })
    expect(withWanted(text, parse(text), { endpoint: ENDPOINT, sources: SOURCES })).toBe(text)
  })

  test('is left as it is, to the byte, where nothing is asked for', () => {
    expect(withWanted(example, {}, { endpoint: undefined, sources: [] })).toBe(example)
  })

  test('takes a dollar sign and a quote in a path for what they are', () => {
    const path = `/srv/$& "x" \\ $1`
    expect(
      parse(withWanted('', {}, { endpoint: undefined, sources: [{ kind: 'certbot', path }] })).source,
    ).toEqual([{ kind: 'certbot', path }])
  })
})

describe('setup does', () => {
  const scene = { units: true, config: true, credentials: true }
  const plan = (way: 'daemon' | 'hook', changes = {}) =>
    setupSteps({ clients: ['certbot', 'acme.sh'], way, test: true }, { ...scene, ...changes }).map(step =>
      step.do === 'enable' ? step.unit : step.do === 'hook' ? step.client : step.do,
    )

  test('nothing is started before it has all it needs, and the test comes last', () => {
    expect(plan('daemon')).toEqual(['config', 'credentials', SERVICE, 'check'])
  })

  test('with hooks a timer looks after what fails', () => {
    expect(plan('hook')).toEqual(['config', 'credentials', 'certbot', 'acme.sh', TIMER, 'check'])
  })

  test('without systemd there is nothing to enable', () => {
    expect(plan('hook', { units: false })).toEqual(['config', 'credentials', 'certbot', 'acme.sh', 'check'])
  })

  test('what is as it should be is not written again', () => {
    expect(plan('daemon', { config: false, credentials: false })).toEqual([SERVICE, 'check'])
  })
})
