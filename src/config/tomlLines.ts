/** On which line of a TOML text each key stands. Pure. The parser proves the text to be TOML and keeps no places. */

/** Keys of tables, and places in lists counted from 0. */
export type KeyPath = ReadonlyArray<string | number>

/** The line of a key, counted from 1; of the nearest table around it where the key is not there; undefined for neither. */
export type LineOf = (path: KeyPath) => number | undefined

/** Deeper than any key of ours: a dotted key may have half a million parts, and nobody asks where they stand. */
const DEEPEST = 8

/** Finds every key of a text that a parser has taken; of any other text it finds what it can, and never throws. */
export function keyLines(text: string): LineOf {
  const lines = new Map<string, number>()
  // the first is where a table begins: dotted keys and headers name it again
  const note = (path: KeyPath, line: number) => {
    const name = JSON.stringify(path)
    if (!lines.has(name)) lines.set(name, line)
  }
  readStatements(openReader(text), note)
  return path => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(JSON.stringify(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return undefined
  }
}

type Note = (path: KeyPath, line: number) => void

type Reader = ReturnType<typeof openReader>

function openReader(text: string) {
  let at = 0
  let line = 1
  let counted = 0
  const moveTo = (next: number) => {
    at = Math.max(at, next)
  }
  /** What the pattern (sticky) finds here is passed by and returned. */
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) moveTo(at + found.length)
    return found
  }
  return {
    take,
    at: () => at,
    ended: () => at >= text.length,
    line: () => {
      for (; counted < at; counted++) if (text[counted] === '\n') line += 1
      return line
    },
    /** Nothing that belongs here was found: on with the next character, so that every text comes to an end. */
    advance: () => moveTo(at + 1),
  }
}

const SPACE = /(?:[ \t\r\n]|#[^\n]*)+/y

const BLANK = /[ \t]+/y

const BARE_KEY = /[A-Za-z0-9_-]+/y

const LONG_STRING = /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}/y

const BASIC = /"(?:[^"\\\n]|\\.)*"/y

const LITERAL = /'[^'\n]*'/y

/** Numbers, dates (which may hold a blank), true and false. */
const SCALAR = /[^,[\]{}#\n]+/y

function readStatements(reader: Reader, note: Note): void {
  const lists = new Map<string, number>()
  let table: KeyPath = []
  for (reader.take(SPACE); !reader.ended(); reader.take(SPACE)) {
    const line = reader.line()
    const brackets = reader.take(/\[\[?/y)
    if (brackets) {
      table = tableOf(readKey(reader), { opensList: brackets === '[[', lists })
      for (let length = 1; length <= table.length; length++) note(table.slice(0, length), line)
      if (!reader.take(/[ \t]*\]\]?/y)) reader.advance()
    } else if (!readPair(reader, table, note)) reader.advance()
  }
}

/** A header's path with the places in lists that it does not name: `[[source]]` is the next, `[source.tags]` of the last. */
function tableOf(
  names: readonly string[],
  { opensList, lists }: { readonly opensList: boolean; readonly lists: Map<string, number> },
): KeyPath {
  const path: Array<string | number> = []
  for (const [i, name] of names.entries()) {
    path.push(name)
    const list = JSON.stringify(path)
    const place = lists.get(list)
    if (opensList && i === names.length - 1) {
      lists.set(list, (place ?? -1) + 1)
      path.push((place ?? -1) + 1)
    } else if (place !== undefined) path.push(place)
  }
  return path
}

/** `a.b = value`, in a table or between braces. False where there is none. */
function readPair(reader: Reader, table: KeyPath, note: Note): boolean {
  const line = reader.line()
  const names = readKey(reader)
  if (!names.length) return false
  for (let length = 1; length <= names.length; length++) note([...table, ...names.slice(0, length)], line)
  if (reader.take(/[ \t]*=/y)) {
    reader.take(BLANK)
    readValue(reader, [...table, ...names], note)
  }
  return true
}

function readKey(reader: Reader): readonly string[] {
  const names: string[] = []
  do {
    reader.take(BLANK)
    const name = readName(reader)
    if (name === undefined) return names
    if (names.length <= DEEPEST) names.push(name)
    reader.take(BLANK)
  } while (reader.take(/\./y))
  return names
}

function readName(reader: Reader): string | undefined {
  const quoted = reader.take(LITERAL)
  if (quoted !== undefined) return quoted.slice(1, -1)
  const basic = reader.take(BASIC)
  return basic === undefined ? reader.take(BARE_KEY) : unescaped(basic.slice(1, -1))
}

const SHORT: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' }

const unescaped = (text: string) =>
  text.replace(/\\(?:x(..)|u(.{4})|U(.{8})|(.))/g, (_, ...found: Array<string | undefined>) => {
    const code = Number.parseInt(found[0] ?? found[1] ?? found[2] ?? '', 16)
    const letter = found[3] ?? ''
    return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : (SHORT[letter] ?? letter)
  })

function readValue(reader: Reader, path: KeyPath, note: Note): void {
  if (reader.take(/\[/y)) readList(reader, path, note)
  else if (reader.take(/\{/y)) readInlineTable(reader, path, note)
  else if (!reader.take(LONG_STRING) && !reader.take(BASIC) && !reader.take(LITERAL)) reader.take(SCALAR)
}

function readList(reader: Reader, path: KeyPath, note: Note): void {
  for (let place = 0; ; ) {
    reader.take(SPACE)
    if (reader.take(/\]/y) || reader.ended()) return
    if (reader.take(/,/y)) continue
    const [before, here] = [reader.at(), path.length > DEEPEST ? path : [...path, place++]]
    note(here, reader.line())
    readValue(reader, here, note)
    if (reader.at() === before) reader.advance()
  }
}

function readInlineTable(reader: Reader, path: KeyPath, note: Note): void {
  for (;;) {
    reader.take(SPACE)
    if (reader.take(/\}/y) || reader.ended()) return
    if (!reader.take(/,/y) && !readPair(reader, path, note)) reader.advance()
  }
}
