/** Validates a parsed configuration file, and finds all its problems at once. Pure. */
import * as v from 'valibot'
import { similarTo } from '../util/similar.ts'
import { type Config, ConfigSchema } from './schema.ts'
import type { KeyPath, PositionOf, Problem } from './values.ts'

/** The parts of a valibot schema that are used here. */
interface Shape {
  readonly wrapped?: Shape
  readonly item?: Shape
  readonly entries?: Readonly<Record<string, Shape>>
}

/** The keys that the table at this path takes, in their own order. */
export function keysAt(table: KeyPath): readonly string[] {
  const inside = (shape: Shape | undefined): Shape | undefined =>
    shape?.wrapped ? inside(shape.wrapped) : shape
  let shape = inside(ConfigSchema as Shape)
  for (const step of table) shape = inside(typeof step === 'number' ? shape?.item : shape?.entries?.[step])
  return Object.keys(shape?.entries ?? {})
}

const SECRET = /^(secret|token|password)|(^|_)(secret|token)(_|$)/i

/** Former names of keys, by table. A table may be a list: its entries have no number here. */
const RENAMED: Readonly<Record<string, string>> = {
  'tencent.role': 'instance_role',
  'upload.use': 'certificate_use',
  'source.use': 'certificate_use',
  'certificate.use': 'certificate_use',
  'certificate.skip': 'exclude',
  'watch.sweep': 'rescan',
  'watch.jitter_seconds': 'rescan_jitter',
  'notify.on': 'events',
}

/** "unknown key", and the key that was meant or those there are. */
function unknownKey(path: KeyPath): string {
  const keys = keysAt(path.slice(0, -1))
  const word = String(path.at(-1))
  const name = path.filter(step => typeof step === 'string').join('.')
  const renamed = Object.hasOwn(RENAMED, name) ? RENAMED[name] : undefined
  if (renamed) return `this key is now called ${renamed}`
  if (SECRET.test(word)) return 'unknown key: secrets never stand in this file'
  const near = similarTo(word.replaceAll('-', '_'), keys)
  return near ? `unknown key: did you mean ${near}?` : `unknown key: expected one of ${keys.join(', ')}`
}

export interface ConfigReading {
  /** The valid part. */
  readonly config: Config
  readonly problems: readonly Problem[]
}

/** A large file with more problems is not a configuration, and finding all of them would take minutes. */
const MAX_PROBLEMS = 50

export function readConfig(input: unknown, positionOf: PositionOf = () => undefined): ConfigReading {
  const rest = plainCopy(input)
  const problems = new Map(reservedTags(rest).map(path => [keyOf(path), reservedKey(path, positionOf)]))
  for (;;) {
    const { success, output, issues = [] } = v.safeParse(ConfigSchema, rest)
    if (success) return { config: output, problems: firstProblems(problems) }
    const unknown = issues.filter(isUnknown)
    const found = unknown.length ? unknown : issues
    for (const issue of found) {
      const problem = problemOf(issue, positionOf)
      // the first of several is enough: an empty string is also no URL
      problems.set(problem.key, problems.get(problem.key) ?? problem)
    }
    if (problems.size > MAX_PROBLEMS) return { config: {}, problems: firstProblems(problems) }
    // valibot reports the first unknown key of each table: without it, the next round finds the second
    if (unknown.length) for (const { path } of unknown) remove(path)
    else if (!removeAll(rest, issues)) return { config: {}, problems: firstProblems(problems) }
  }
}

const firstProblems = (problems: ReadonlyMap<string, Problem>): readonly Problem[] =>
  problems.size > MAX_PROBLEMS
    ? [
        ...[...problems.values()].slice(0, MAX_PROBLEMS),
        { key: '', position: undefined, says: `more is wrong; these are the first ${MAX_PROBLEMS}` },
      ]
    : [...problems.values()]

/** Members of every JavaScript object; valibot drops them silently. */
const UNUSABLE = ['__proto__', 'constructor', 'prototype'] as const

type Path = ReadonlyArray<string | number>

/** Removes the tags that valibot would drop; returns their paths. Anywhere else such a key is an unknown one. */
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

const reservedKey = (path: Path, positionOf: PositionOf): Problem => ({
  key: keyOf(path),
  position: positionOf(path),
  says: 'a tag cannot be called so here: add it in the console',
})

const keyOf = (path: Path) =>
  path.map((step, i) => (typeof step === 'number' ? `[${step + 1}]` : `${i ? '.' : ''}${step}`)).join('')

const LISTS = new Set(['source', 'certificate', 'events', 'replaces', 'verify', 'types', 'except'])

/** Deeper than any key of the configuration: a dotted key may have half a million parts, too many for a recursion. */
const MAX_DEPTH = 8

/** A copy without lists and dates where none are expected: valibot takes them for tables. */
function plainCopy(value: unknown, key = '', depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date || depth > MAX_DEPTH) return null
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

/** Removes what is invalid; in a list the whole entry, because half an entry means something else. False if nothing can be removed. */
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

function problemOf(issue: Issue, positionOf: PositionOf): Problem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)))
  return {
    key: keyOf(path) || 'file',
    position: positionOf(path),
    says: isUnknown(issue) ? unknownKey(path) : wording(issue),
  }
}

function wording(issue: Issue): string {
  if (issue.type !== 'strict_object') return issue.message
  return issue.path?.at(-1)?.origin === 'key' ? 'missing' : 'expected a table'
}
