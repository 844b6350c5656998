/** A parsed configuration file: the configuration, or everything wrong with it at once. Pure. */
import * as v from 'valibot'
import { type Config, ConfigSchema } from './config.ts'

/** Either the configuration or everything wrong with a parsed file, each by its key. */
export type ConfigReading = { readonly config: Config } | { readonly problems: readonly string[] }

export function readConfig(input: unknown): ConfigReading {
  const rest = copied(input)
  const problems = new Map<string, string>()
  for (;;) {
    const { success, output, issues = [] } = v.safeParse(ConfigSchema, rest)
    if (success && !problems.size) return { config: output }
    const unknown = issues.filter(isUnknown)
    for (const issue of unknown.length ? unknown : issues) {
      const key = keyOf(issue.path ?? [])
      // the first of several is enough: an empty string is also no URL
      problems.set(key, problems.get(key) ?? `${key}: ${wording(issue)}`)
    }
    if (!unknown.length) return { problems: [...problems.values()] }
    // valibot names the first unknown key of each table: without it, the next look finds the second
    for (const { path } of unknown) remove(path)
  }
}

const LISTS = new Set(['source', 'override'])

/** A copy in which no other member is a list: valibot takes a list, and a date, for a table. */
function copied(value: unknown, key = ''): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return LISTS.has(key) ? value.map(one => copied(one)) : null
  if (value instanceof Date) return null
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copied(one, name)]))
}

type Issue = v.BaseIssue<unknown>

const isUnknown = ({ type, expected }: Issue) => type === 'strict_object' && expected === 'never'

function remove(path: Issue['path']): void {
  const last = path?.at(-1)
  if (last) delete (last.input as Record<PropertyKey, unknown>)[last.key as string]
}

const keyOf = (path: ReadonlyArray<{ readonly key: unknown }>) =>
  path
    .map(({ key }, i) => (typeof key === 'number' ? `[${key + 1}]` : `${i ? '.' : ''}${String(key)}`))
    .join('') || 'file'

function wording(issue: Issue): string {
  if (issue.type !== 'strict_object') return issue.message
  if (isUnknown(issue)) return 'unknown key'
  return issue.path?.at(-1)?.origin === 'key' ? 'missing' : 'expected a table'
}
