/** A parsed configuration file: the configuration, or everything wrong with it at once. Pure. */
import * as v from 'valibot'
import { type Config, ConfigSchema } from './config.ts'

/** Either the configuration or everything wrong with a parsed file, each by its key. */
export type ConfigReading = { readonly config: Config } | { readonly problems: readonly string[] }

/** Problems said at once. A file with more is another file, and looking for all of them takes minutes where it is large. */
const MOST = 50

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
    if (!unknown.length || problems.size > MOST) return { problems: fewest([...problems.values()]) }
    // valibot names the first unknown key of each table: without it, the next look finds the second
    for (const { path } of unknown) remove(path)
  }
}

const fewest = (problems: readonly string[]) =>
  problems.length > MOST
    ? [...problems.slice(0, MOST), `more is wrong; these are the first ${MOST}`]
    : problems

const LISTS = new Set(['source', 'certificate', 'on'])

/** Deeper than any key of ours: a dotted key may have half a million parts, and a recursion has not. */
const DEEPEST = 8

/** A copy in which no other member is a list: valibot takes a list, and a date, for a table. */
function copied(value: unknown, key = '', depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date || depth > DEEPEST) return null
  if (Array.isArray(value)) return LISTS.has(key) ? value.map(one => copied(one, '', depth + 1)) : null
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copied(one, name, depth + 1)]))
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
