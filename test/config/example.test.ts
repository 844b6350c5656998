/** The example configuration and the schema say what the program does. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { configTables, reference } from '../../config/reference.ts'
import { explained, readExample } from '../../config/schema.ts'
import { SETTINGS } from '../../src/config/precedence.ts'
import type { Config } from '../../src/config/schema.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { parseToml } from '../../src/config/toml.ts'
import { readConfig } from '../../src/config/validate.ts'
import { DEFAULT_ALIAS, DEFAULT_ENDPOINT, NOTIFY_EVENTS, RATE } from '../../src/config/values.ts'

const example = await readFile('config/certferry.example.toml', 'utf8')

const tables = await readExample()
const schema = explained(tables)

/** The example with every key that is commented out put in force. */
const inForce = example.replace(/^#(?=[a-z_]+ = |\[\[)/gm, '')

function read(text: string): Config {
  const reading = readConfig(parseToml(text).value)
  if (reading.problems.length) throw new Error(reading.problems.join('\n'))
  return reading.config
}

describe('the example configuration', () => {
  test('changes nothing as it stands', () => {
    expect({
      ...resolveSettings({}, {}, read(example)),
      forLineage: null,
      isExcluded: null,
      unmatched: null,
    }).toEqual({
      ...resolveSettings({}, {}, {}),
      forLineage: null,
      isExcluded: null,
      unmatched: null,
    })
  })

  test('marks as an example what is no default, and nothing else', () => {
    for (const { heading, keys } of configTables(tables, schema).filter(({ heading }) => heading[1] !== '['))
      for (const { key, defaultValue, example } of keys) {
        const shown = tables.find(({ name }) => heading === `[${name}]`)?.keys.find(one => one.key === key)
        expect(shown, key).toMatchObject({
          isExample: defaultValue === undefined,
          value: defaultValue ?? example,
        })
        expect(example, key).not.toBe('')
      }
  })

  test('is valid with every key put in force', () => {
    expect(read(inForce).source).toHaveLength(4)
  })

  test('has every key there is', () => {
    const properties = (of: string, inList = false) => {
      const table = schema.properties?.[of] as { properties?: object; items?: { properties?: object } }
      return Object.keys((inList ? table.items?.properties : table.properties) ?? {})
    }
    const { tencent, upload, deploy, watch, http, notify, log, state, source, certificate } = read(inForce)
    for (const [name, table] of Object.entries({
      tencent,
      upload,
      deploy,
      watch,
      http,
      notify,
      log,
      state,
    })) {
      expect(Object.keys(table ?? {}).sort()).toEqual(properties(name).sort())
    }
    const ofSources = properties('source', true).filter(
      key => ![...properties('upload'), ...properties('deploy')].includes(key),
    )
    expect(ofSources.every(key => source?.some(one => key in one))).toBe(true)
    expect(certificate?.[0]).toHaveProperty('match')
  })

  test('shows the defaults as they are', () => {
    const { tencent, upload, watch, log, state } = read(inForce)
    expect(watch).toEqual({
      rescan: SETTINGS.rescan.defaultValue,
      rescan_jitter: SETTINGS.rescanJitter.defaultValue,
    })
    expect(tencent).toMatchObject({
      endpoint: DEFAULT_ENDPOINT,
      rate_per_second: RATE.default,
      language: 'en-US',
      profile: 'default',
    })
    expect(upload).toMatchObject({ alias: DEFAULT_ALIAS, repeatable: false })
    expect(read(inForce).notify?.events).toEqual(NOTIFY_EVENTS)
    expect([log?.level, state?.dir]).toEqual(['info', SETTINGS.stateDir.defaultValue])
  })
})

test('the JSON Schema in config/ is the one the program checks by, with the words of the example (npm run schema)', async () => {
  expect(JSON.parse(await readFile('config/schema.json', 'utf8'))).toEqual(JSON.parse(JSON.stringify(schema)))
})

test('docs/configuration.md is made of both (npm run schema)', async () => {
  expect(await readFile('docs/configuration.md', 'utf8')).toBe(reference(configTables(tables, schema)))
})

test('every key is explained', () => {
  const silent = Object.entries(schema.properties ?? {}).flatMap(([table, shape]) =>
    Object.entries((shape.items ?? shape).properties ?? {}).flatMap(([key, { description }]) =>
      description ? [] : [`${table}.${key}`],
    ),
  )
  expect(silent).toEqual([])
})
