import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { parseToml } from '../../src/config/toml.ts'

import { isFit, linesAdded, withProfile, withWanted } from '../../src/setup/files.ts'
import { doneOf, doneText, draft, type Survey, setupSteps } from '../../src/setup/plan.ts'
import { ABSENT, SERVICE, TIMER, type Unit } from '../../src/systemd/systemctl.ts'

const parse = (text: string): Config => parseToml(text).value

const ENDPOINT = 'https://ssl.intl.tencentcloudapi.com'
const SOURCES = [{ kind: 'certbot', path: '/srv/le' }]
const example = await readFile('config/certferry.example.toml', 'utf8')

test.each([
  ['no file', ''],
  ['the commented example', example],
  ['a table that is there', '[tencent]\nregion = "ap-guangzhou"\n'],
  ['another endpoint', '[tencent]\nendpoint = "https://old.example"\n'],
  [
    'a table with blanks, and an endpoint in a text',
    '[ tencent ]\nregion = "ap-x"\n[upload]\nalias = """\nendpoint = 1\n"""\n',
  ],
  ['an endpoint that is commented out elsewhere', '# endpoint = "x"\n[tencent]\n[log]\n#endpoint = "y"\n'],
  ['a file without a newline at its end', '[log]\nlevel = "warn"'],
])('the configuration gets the wanted endpoint and sources and keeps the rest: %s', (_, before) => {
  const text = withWanted(before, parse(before), { endpoint: ENDPOINT, sources: SOURCES })
  expect(parse(text)).toEqual({
    ...parse(before),
    tencent: { ...(parse(before).tencent as object), endpoint: ENDPOINT },
    source: SOURCES,
  })
  expect(withWanted(text, parse(text), { endpoint: ENDPOINT, sources: SOURCES })).toBe(text)
})

test('the endpoint replaces its commented line in the example', () => {
  const lines = withWanted(example, parse(example), { endpoint: ENDPOINT, sources: [] }).split('\n')
  expect(lines[lines.indexOf(`endpoint = "${ENDPOINT}"`) - 1]).toContain('http:// is accepted only')
  expect(lines).toHaveLength(example.split('\n').length)
})

test('the added lines of the configuration are those that are new', () => {
  const after = withWanted(example, {}, { endpoint: ENDPOINT, sources: SOURCES })
  expect(linesAdded(example, after)).toEqual([
    `endpoint = "${ENDPOINT}"`,
    '[[source]]',
    'kind = "certbot"',
    'path = "/srv/le"',
  ])
})

test.each<readonly [string, string]>([
  ['an empty file', ''],
  ['a table that is there', '[deploy]\nretire = "silence"\n'],
  ['off so far', '[deploy]\nreplace = false\n'],
  ['a source that has its own', '[[source]]\nkind = "certbot"\npath = "/x"\nreplace = false\n'],
  ['the example', example],
])('replace = true is written into [deploy], and the rest stays: %s', (_, before) => {
  const wanted = { endpoint: undefined, replace: true, sources: [] } as const
  const text = withWanted(before, parse(before), wanted)
  expect(parse(text)).toEqual({
    ...parse(before),
    deploy: { ...(parse(before).deploy as object | undefined), replace: true },
  })
  expect(withWanted(text, parse(text), wanted)).toBe(text)
})

test('endpoint and replace are both written', () => {
  const text = withWanted('', {}, { endpoint: ENDPOINT, replace: true, sources: [] })
  expect(parse(text)).toEqual({ tencent: { endpoint: ENDPOINT }, deploy: { replace: true } })
})

test('the configuration stays the same byte for byte if nothing is wanted', () => {
  expect(withWanted(example, {}, { endpoint: undefined, sources: [] })).toBe(example)
})

test('a dollar sign and a quote in the path of a source are written literally', () => {
  const path = `/srv/$& "x" \\ $1`
  expect(
    parse(withWanted('', {}, { endpoint: undefined, sources: [{ kind: 'certbot', path }] })).source,
  ).toEqual([{ kind: 'certbot', path }])
})

const key = { secretId: 'AKID', secretKey: 'k' }
const written = '[default]\nsecret_id = AKID\nsecret_key = k\n'
test.each([
  ['nothing', '', written],
  ['another key', '[default]\nsecret_id = old\nsecret_key = old\ntoken = old\n', written],
  [
    'other profiles',
    '# ours\n[ops]\na = 1\n[default]\nsecret_id = x\n[dev]\nb = 2\n',
    `# ours\n[ops]\na = 1\n${written}\n[dev]\nb = 2\n`,
  ],
  ['only another profile', '[ops]\na = 1\n', `[ops]\na = 1\n\n${written}`],
])('the credentials file gets its own profile and keeps others: %s', (_, before, after) => {
  expect(withProfile(before, 'default', key)).toBe(after)
  expect(withProfile(after, 'default', key)).toBe(after)
})

test.each(['', 'a b', 'a\nb', 'a;b', 'a#b', 'a=b', '"a', "a'", '[a]', 'ä', 'a\\b'])(
  'an API key with the half %j is not accepted',
  half => {
    expect([isFit({ ...key, secretKey: half }), isFit({ ...key, secretId: half })]).toEqual([false, false])
  },
)

test('an API key of letters and digits is accepted', () => {
  expect(
    isFit({
      secretId: 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE',
      secretKey: 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE',
    }),
  ).toBe(true)
})

const file = (path: string, changed: boolean) => draft(path, 'before', changed ? 'after' : 'before')
const unit = (more: object) => ({ ...ABSENT, installed: true, ...more })
const hooks = [
  { client: 'certbot' as const, file: '/hook', outcome: 'written' },
  { client: 'acme.sh' as const, file: '/other', outcome: 'replaced' },
]
const survey: Survey = {
  config: file('/config', true),
  credentials: file('/key', true),
  hooks,
  units: { service: unit({}), timer: unit({}) },
}
const plan = (mode: 'daemon' | 'hook', changes: Partial<Survey> = {}) =>
  setupSteps(
    { clients: ['certbot', 'acme.sh'], mode, test: true, replace: false },
    { ...survey, ...changes },
  ).map(step =>
    'unit' in step
      ? `${step.do} ${step.unit}`
      : step.do === 'hook'
        ? `hook ${step.client}`
        : `write ${step.path}`,
  )
const unchanged = { config: file('/config', false), credentials: file('/key', false) }
const up = unit({ enabled: true, active: 'active' })

test('setup writes the files before it starts the service', () => {
  expect(plan('daemon')).toEqual(['write /config', 'write /key', `enable ${SERVICE}`, `start ${SERVICE}`])
})

test('setup with hooks also starts the timer, which retries', () => {
  expect(plan('hook').slice(2)).toEqual(['hook certbot', 'hook acme.sh', `enable ${TIMER}`, `start ${TIMER}`])
})

test('setup enables nothing without systemd or its units', () => {
  expect(plan('hook', { units: undefined })).toEqual([
    'write /config',
    'write /key',
    'hook certbot',
    'hook acme.sh',
  ])
  expect(plan('hook', { units: { service: ABSENT, timer: ABSENT } }).at(-1)).toBe('hook acme.sh')
})

test('setup plans no step if everything is done', () => {
  const same = { ...unchanged, units: { service: up, timer: up } }
  expect(plan('daemon', same)).toEqual([])
  expect(plan('hook', { ...same, hooks: hooks.map(hook => ({ ...hook, outcome: 'unchanged' })) })).toEqual([])
})

test('setup restarts a running daemon if its files change, but not a timer', () => {
  const running = { units: { service: up, timer: up }, hooks: [] }
  expect(plan('daemon', running).at(-1)).toBe(`restart ${SERVICE}`)
  expect(plan('hook', running)).toEqual(['write /config', 'write /key'])
})

test('setup starts a stopped daemon and enables a disabled one', () => {
  const daemon = (service: Unit) => plan('daemon', { ...unchanged, units: { service, timer: up } })
  expect(daemon(unit({ enabled: true, active: 'failed' }))).toEqual([`start ${SERVICE}`])
  expect(daemon(unit({ active: 'active' }))).toEqual([`enable ${SERVICE}`])
})

test('setup keeps a backup of what it replaces, and none of a secret', () => {
  const kept = setupSteps(
    { clients: [], mode: 'hook', test: false, replace: false },
    { ...survey, config: draft('/config', undefined, 'new') },
  )
  expect(kept.map(step => 'keep' in step && step.keep)).toEqual([false, false, false, true, false, false])
})

test('a printed step never shows the API key', () => {
  const steps = setupSteps(
    { clients: [], mode: 'daemon', test: false, replace: false },
    { ...survey, credentials: draft('/key', 'old', 'hush') },
  )
  expect(
    JSON.stringify(steps) + inspect(steps, { depth: 9 }) + doneText(steps.map(step => doneOf(step))),
  ).not.toMatch(/hush|old/)
})
