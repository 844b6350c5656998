/** The example configuration taken apart: each key with its default and the words above it. Pure. */

export interface CommentedKey {
  readonly key: string
  /** The default, or an example if the line says so. */
  readonly value: string
  readonly isExample: boolean
  readonly words: string
}

export interface CommentedTable {
  readonly name: string
  readonly words: string
  /** In a list of tables the same key may stand several times: the first one that has words explains it. */
  readonly keys: readonly CommentedKey[]
}

const HEAD = /^#?\[\[?([a-z]+)\]\]?$/
const KEY = /^#([a-z_]+) = (.*?)( # example)?$/
const WORDS = /^# (.*)$/

/** Blocks are parted by blank lines: words, then a table's head, or a key. */
export function commentedTables(example: string): readonly CommentedTable[] {
  const tables: { name: string; words: string; keys: CommentedKey[] }[] = []
  for (const block of example.split(/\n{2,}/)) {
    let words: string[] = []
    for (const line of block.split('\n')) {
      const [, name] = HEAD.exec(line) ?? []
      const [, key, value = '', mark] = KEY.exec(line) ?? []
      const [, word] = WORDS.exec(line) ?? []
      if (name !== undefined) {
        if (!tables.some(table => table.name === name))
          tables.push({ name, words: words.join(' '), keys: [] })
        words = []
      } else if (key !== undefined) {
        tables.at(-1)?.keys.push({ key, value, isExample: mark !== undefined, words: words.join(' ') })
        words = []
      } else if (word !== undefined) words = [...words, word]
    }
  }
  return tables.map(table => ({ ...table, keys: merged(table.keys) }))
}

function merged(keys: readonly CommentedKey[]): readonly CommentedKey[] {
  const first = new Map<string, CommentedKey>()
  for (const one of keys) if (!first.get(one.key)?.words) first.set(one.key, first.get(one.key) ?? one)
  return [...first.values()]
}
