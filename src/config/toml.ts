/** Reads TOML: its values, and where each key stands. */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import type { KeyPath, Position, PositionOf } from './values.ts'

export interface TomlDocument {
  /** Objects have no prototype, so that a key may have any name. */
  readonly value: Readonly<Record<string, unknown>>
  readonly positionOf: PositionOf
}

/** What makes a text no TOML. The message quotes nothing of the text. */
export class TomlError extends Error {
  /** Undefined for a text that is too deep or has too long a value. */
  readonly position: Position | undefined

  constructor(message: string, position?: Position) {
    super(message)
    this.position = position
  }
}

/** Deeper than any key of the configuration. What lies deeper is read as null: a dotted key may have half a million parts. */
const MAX_DEPTH = 8

type Table = Record<string, unknown>

type Note = (path: KeyPath, at: AST.SourceLocation) => void

/** @throws TomlError. */
export function parseToml(text: string): TomlDocument {
  const positions = new Map<string, Position>()
  const note: Note = (path, { start }) => {
    const name = JSON.stringify(path)
    // the first is where a table begins: dotted keys and headers name it again
    if (!positions.has(name)) positions.set(name, { line: start.line, column: start.column + 1 })
  }
  const value = createTable()
  for (const entry of parse(text).body[0].body) {
    if (entry.type === 'TOMLTable') readTable(value, entry, note)
    else readKeyValue(value, entry, { path: [], note })
  }
  const positionOf: PositionOf = path => {
    for (let length = path.length; length > 0; length--) {
      const position = positions.get(JSON.stringify(path.slice(0, length)))
      if (position) return position
    }
    return undefined
  }
  return { value, positionOf }
}

function parse(text: string): AST.TOMLProgram {
  try {
    // Windows editors put a byte order mark in front
    return parseTOML(text.replace(/^\ufeff/, ''), { tomlVersion: '1.1' })
  } catch (error) {
    if (error instanceof ParseError)
      throw new TomlError(error.message, { line: error.lineNumber, column: error.column + 1 })
    if (error instanceof RangeError) throw new TomlError('a value is too long or nested too deeply')
    throw error
  }
}

const createTable = (): Table => Object.create(null)

/** A header and the keys below it. The parser has resolved which entry of a list it means. */
function readTable(root: Table, { resolvedKey, body, loc }: AST.TOMLTable, note: Note): void {
  const path = resolvedKey.slice(0, MAX_DEPTH)
  let at: unknown = root
  for (const [i, step] of path.entries()) {
    note(path.slice(0, i + 1), loc)
    const parent = at as Record<string | number, unknown>
    parent[step] ??= typeof path[i + 1] === 'number' ? [] : createTable()
    at = parent[step]
  }
  if (path.length === resolvedKey.length)
    for (const entry of body) readKeyValue(at as Table, entry, { path, note })
}

interface Place {
  readonly path: KeyPath
  readonly note: Note
}

/** `a.b = value`, in a table or between braces. */
function readKeyValue(table: Table, { key, value }: AST.TOMLKeyValue, { path, note }: Place): void {
  let at = table
  let here = path
  for (const [i, part] of key.keys.entries()) {
    const name = part.type === 'TOMLBare' ? part.name : part.value
    here = [...here, name]
    note(here, part.loc)
    if (i === key.keys.length - 1) at[name] = readValue(value, { path: here, note })
    else if (here.length >= MAX_DEPTH) at[name] = null
    else {
      at[name] ??= createTable()
      at = at[name] as Table
    }
    if (here.length >= MAX_DEPTH) return
  }
}

function readValue(node: AST.TOMLContentNode, { path, note }: Place): unknown {
  if (path.length > MAX_DEPTH) return null
  if (node.type === 'TOMLArray') {
    return node.elements.map((element, i) => {
      const here = [...path, i]
      note(here, element.loc)
      return readValue(element, { path: here, note })
    })
  }
  if (node.type === 'TOMLInlineTable') {
    const table = createTable()
    for (const entry of node.body) readKeyValue(table, entry, { path, note })
    return table
  }
  if (node.kind === 'integer' && !Number.isSafeInteger(node.value)) {
    const { line, column } = node.loc.start
    throw new TomlError('the number is too large', { line, column: column + 1 })
  }
  return node.value
}
