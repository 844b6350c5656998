/** A parsed configuration file: the configuration, or everything wrong with it at once. Pure. */
import * as v from 'valibot'
import { ConfigSchema } from './config.ts'
import { unknownKey } from './configKeys.ts'
import type { ConfigReading, Problem } from './problem.ts'
import type { LineOf } from './tomlLines.ts'

/** Problems said at once. A file with more is another file, and looking for all of them takes minutes where it is large. */
const MOST = 50

export function readConfig(input: unknown, lineOf: LineOf = () => undefined): ConfigReading {
  const rest = plainCopy(input)
  const problems = new Map(reservedTags(rest).map(path => [keyOf(path), reservedKey(path, lineOf)]))
  for (;;) {
    const { success, output, issues = [] } = v.safeParse(ConfigSchema, rest)
    if (success)
      return problems.size ? { problems: firstProblems(problems), rest: output } : { config: output }
    const unknown = issues.filter(isUnknown)
    const found = unknown.length ? unknown : issues
    for (const issue of found) {
      const problem = problemOf(issue, lineOf)
      // the first of several is enough: an empty string is also no URL
      problems.set(problem.key, problems.get(problem.key) ?? problem)
    }
    if (problems.size > MOST) return { problems: firstProblems(problems), rest: {} }
    // valibot names the first unknown key of each table: without it, the next look finds the second
    if (unknown.length) for (const { path } of unknown) remove(path)
    else if (!removeAll(rest, issues)) return { problems: firstProblems(problems), rest: {} }
  }
}

const firstProblems = (problems: ReadonlyMap<string, Problem>): readonly Problem[] =>
  problems.size > MOST
    ? [
        ...[...problems.values()].slice(0, MOST),
        { key: '', line: undefined, says: `more is wrong; these are the first ${MOST}` },
      ]
    : [...problems.values()]

/** What every object of JavaScript has; valibot leaves out such members of a table without a word. */
const UNUSABLE = ['__proto__', 'constructor', 'prototype'] as const

type Path = ReadonlyArray<string | number>

/** Takes away tags that valibot would, and tells where they were. Everywhere else such a key is an unknown one. */
function reservedTags(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return []
  if (path.at(-1) !== 'tags')
    return Object.entries(value).flatMap(([name, one]) =>
      reservedTags(one, [...path, Array.isArray(value) ? Number(name) : name]),
    )
  const found = UNUSABLE.filter(name => Object.hasOwn(value, name))
  for (const name of found) delete (value as Record<string, unknown>)[name]
  return found.map(name => [...path, name])
}

const reservedKey = (path: Path, lineOf: LineOf): Problem => ({
  key: keyOf(path),
  line: lineOf(path),
  says: 'a tag cannot be called so here: add it in the console',
})

const keyOf = (path: Path) =>
  path.map((step, i) => (typeof step === 'number' ? `[${step + 1}]` : `${i ? '.' : ''}${step}`)).join('')

const LISTS = new Set(['source', 'certificate', 'on'])

/** Deeper than any key of ours: a dotted key may have half a million parts, and a recursion has not. */
const DEEPEST = 8

/** A copy in which no other member is a list: valibot takes a list, and a date, for a table. */
function plainCopy(value: unknown, key = '', depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date || depth > DEEPEST) return null
  if (Array.isArray(value)) return LISTS.has(key) ? value.map(one => plainCopy(one, '', depth + 1)) : null
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, plainCopy(one, name, depth + 1)]),
  )
}

type Issue = v.BaseIssue<unknown>

const isUnknown = ({ type, expected }: Issue) => type === 'strict_object' && expected === 'never'

function remove(path: Issue['path']): void {
  const last = path?.at(-1)
  if (last) delete (last.input as Record<PropertyKey, unknown>)[last.key as string]
}

/** Takes away what is wrong: of a list the whole entry, for half of one is another. False where nothing helps. */
function removeAll(rest: unknown, issues: readonly Issue[]): boolean {
  const entries = issues.map(({ path = [] }) => path.find(({ type }) => type === 'array'))
  for (const entry of entries) {
    const list = entry?.input as unknown[] | undefined
    const at = list?.indexOf(entry?.value) ?? -1
    if (at >= 0) list?.splice(at, 1)
  }
  const single = issues.filter(({ path }, i) => path && !entries[i])
  for (const { path } of single) remove(path)
  return typeof rest === 'object' && issues.some(({ path }) => path)
}

function problemOf(issue: Issue, lineOf: LineOf): Problem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)))
  return {
    key: keyOf(path) || 'file',
    line: lineOf(path),
    says: isUnknown(issue) ? unknownKey(path) : wording(issue),
  }
}

function wording(issue: Issue): string {
  if (issue.type !== 'strict_object') return issue.message
  return issue.path?.at(-1)?.origin === 'key' ? 'missing' : 'expected a table'
}
