/** What may stand in the configuration file, as one schema that also writes config/schema.json. Pure. */
import * as v from 'valibot'
import { choiceProblem } from '../util/similar.ts'
import { probeProblem, RETIREMENTS } from './deploy.ts'
import {
  aliasProblem,
  endpointProblem,
  KINDS,
  LANGUAGES,
  LEVELS,
  LOG_FORMATS,
  listenProblem,
  mailProblem,
  NOTIFY_EVENTS,
  PRESETS,
  proxyProblem,
  RATE,
  RENAMED_EVENTS,
  TYPES,
  templateProblem,
} from './values.ts'

const filled = (what = 'text') =>
  v.pipe(
    v.string(`expected ${what} in quotes`),
    v.trim(),
    v.minLength(1, `expected ${what}, not an empty string`),
  )

const whole = v.pipe(
  v.number('expected a whole number'),
  v.integer('expected a whole number'),
  v.minValue(0, 'expected 0 or more'),
)

/** A check of a string; `problem` returns what is wrong. */
const checkedBy = (problem: (text: string) => string | undefined) =>
  v.rawCheck<string>(({ dataset, addIssue }) => {
    const message = dataset.typed ? problem(dataset.value) : undefined
    if (message) addIssue({ message })
  })

const quoted = (text: string) => JSON.stringify(text)

const oneOf = <const T extends readonly string[]>(choices: T) =>
  v.picklist(choices, ({ input }) => choiceProblem(input, choices, quoted))

const notifyEvent = v.picklist(NOTIFY_EVENTS, ({ input }) => {
  const renamed = RENAMED_EVENTS.get(input)
  return renamed ? `this event is now called ${renamed}` : choiceProblem(input, NOTIFY_EVENTS)
})

const uploadEntries = {
  type: v.optional(oneOf(TYPES)),
  alias: v.optional(v.pipe(v.string('expected text in quotes'), checkedBy(aliasProblem))),
  project_id: v.optional(whole),
  certificate_use: v.optional(
    v.pipe(
      filled(),
      v.regex(
        /^[A-Z][A-Z0-9_]{0,31}$/,
        'expected a product in capitals, such as "CLB", "CDN", "WAF", "LIVE" or "DDOS"',
      ),
    ),
  ),
  tags: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.minLength(1, 'expected a tag key'),
        v.maxLength(127, 'expected at most 127 characters'),
      ),
      v.pipe(
        v.string("expected the tag's value in quotes"),
        v.maxLength(255, 'expected at most 255 characters'),
      ),
      'expected a table, such as { team = "web" }',
    ),
  ),
  repeatable: v.optional(v.boolean('expected true or false')),
  key_password_file: v.optional(filled('a path')),
}

const listOf = (entry: v.GenericSchema<string>, what: string) =>
  v.pipe(v.array(entry, `expected a list of ${what}`), v.minLength(1, `expected at least one of ${what}`))

const certificateIds = listOf(
  v.pipe(
    filled('a certificate ID'),
    v.regex(/^[\w.-]{1,128}$/, 'expected a certificate ID such as "a92b1Z1i"'),
  ),
  'certificate IDs',
)

const products = listOf(
  v.pipe(
    filled('a product'),
    v.regex(/^[a-z]{2,16}$/, 'expected a product in small letters, such as "clb" or "cdn"'),
  ),
  'products',
)

const days = v.pipe(whole, v.maxValue(3650, 'expected 3650 or less'))

const deployEntries = {
  replace: v.optional(v.boolean('expected true or false')),
  replaces: v.optional(certificateIds),
  verify: v.optional(
    v.union(
      [v.boolean(), listOf(v.pipe(filled('a host'), checkedBy(probeProblem)), 'hosts')],
      'expected true, false or a list such as ["www.example.com", "www.example.com@192.0.2.1:8443"]',
    ),
  ),
  types: v.optional(products),
  except: v.optional(products),
  allow_uncovered: v.optional(v.boolean('expected true or false')),
  allow_untrusted: v.optional(v.boolean('expected true or false')),
  retire: v.optional(oneOf(RETIREMENTS)),
  grace_days: v.optional(days),
  keep: v.optional(days),
}

/** Runs even if other keys of the source are wrong, so that all problems are reported at once. */
const sourceRules = v.rawCheck<SourceInput>(({ dataset, addIssue }) => {
  const value = dataset.value as SourceInput
  if (!KINDS.includes(value?.kind)) return
  const complain = (key: keyof SourceInput, message: string) =>
    addIssue({ message, path: [{ type: 'object', origin: 'value', input: value, key, value: value[key] }] })
  const [needed, foreign] = value.kind === 'pem' ? PEM_KEYS : DIRECTORY_KEYS
  for (const key of needed)
    if (value[key] === undefined) complain(key, `missing: a source of kind "${value.kind}" needs it`)
  for (const key of foreign)
    if (value[key] !== undefined) complain(key, `not for a source of kind "${value.kind}"`)
  if (value.kind !== 'pem' && value.type === 'CA')
    complain('type', 'a CA certificate is a source of kind "pem" without a key')
  if (value.kind === 'pem' && value.key !== undefined && value.type === 'CA')
    complain('key', 'a CA certificate is uploaded without its key: remove this line')
  if (value.kind === 'pem' && value.key === undefined && value.type === 'SVR')
    complain('key', 'missing: a server certificate needs its key')
})

const PEM_KEYS = [['name', 'chain'], ['path']] as const

const DIRECTORY_KEYS = [['path'], ['name', 'chain', 'key']] as const

const sourceObject = v.strictObject({
  kind: oneOf(KINDS),
  path: v.optional(filled('a path')),
  name: v.optional(
    v.pipe(filled('a name'), v.regex(/^[^\s/\p{Cc}]+$/u, 'expected a name without spaces or slashes')),
  ),
  chain: v.optional(filled('a path')),
  key: v.optional(filled('a path')),
  ...uploadEntries,
  ...deployEntries,
})

type SourceInput = v.InferOutput<typeof sourceObject>

export const ConfigSchema = v.strictObject({
  tencent: v.optional(
    v.strictObject({
      endpoint: v.optional(v.pipe(filled('a URL'), checkedBy(endpointProblem))),
      region: v.optional(
        v.pipe(filled(), v.regex(/^[a-z]{2,}-[a-z0-9-]+$/, 'expected a region such as "ap-guangzhou"')),
      ),
      language: v.optional(oneOf(LANGUAGES)),
      rate_per_second: v.optional(
        v.pipe(
          v.number('expected a number'),
          v.minValue(RATE.min, `expected ${RATE.min} or more`),
          v.maxValue(RATE.max, `expected ${RATE.max} or less`),
        ),
      ),
      profile: v.optional(filled("a profile's name")),
      instance_role: v.optional(v.boolean('expected true or false')),
      proxy: v.optional(v.pipe(filled('a URL'), checkedBy(proxyProblem))),
    }),
  ),
  upload: v.optional(v.strictObject(uploadEntries)),
  deploy: v.optional(v.strictObject(deployEntries)),
  source: v.optional(v.array(v.pipe(sourceObject, sourceRules), 'expected [[source]] tables')),
  certificate: v.optional(
    v.array(
      v.strictObject({
        match: filled("a lineage's name or pattern"),
        exclude: v.optional(v.boolean('expected true or false')),
        ...uploadEntries,
        ...deployEntries,
      }),
      'expected [[certificate]] tables',
    ),
  ),
  watch: v.optional(
    v.strictObject({
      rescan: v.optional(filled('a cron expression')),
      rescan_jitter: v.optional(whole),
    }),
  ),
  http: v.optional(
    v.strictObject({ listen: v.optional(v.pipe(filled('an address'), checkedBy(listenProblem))) }),
  ),
  notify: v.optional(
    v.strictObject({
      command: v.optional(filled('a path')),
      mail: v.optional(v.pipe(filled('an address'), checkedBy(mailProblem))),
      sendmail: v.optional(filled('a path')),
      webhook_file: v.optional(filled('a path')),
      preset: v.optional(oneOf(PRESETS)),
      template: v.optional(v.pipe(filled('JSON'), checkedBy(templateProblem))),
      events: v.optional(v.array(notifyEvent, `expected a list of ${NOTIFY_EVENTS.join(', ')}`)),
    }),
  ),
  log: v.optional(
    v.strictObject({ level: v.optional(oneOf(LEVELS)), format: v.optional(oneOf(LOG_FORMATS)) }),
  ),
  state: v.optional(v.strictObject({ dir: v.optional(filled('a path')) })),
})

export type Config = v.InferOutput<typeof ConfigSchema>

export type UploadKeys = NonNullable<Config['upload']>

/** What a [[source]] or [[certificate]] may set of [upload] and [deploy]. */
export type LineageKeys = UploadKeys & NonNullable<Config['deploy']>
