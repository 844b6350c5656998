/** Which keys a place in the configuration takes, for whoever typed another. Pure. */
import { ConfigSchema } from './config.ts'
import type { KeyPath } from './tomlLines.ts'

/** What of a schema matters here: it may be optional, hold a list, or have entries. */
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

/** "unknown key", and the key that was meant or those there are. */
export function unknownKey(path: KeyPath): string {
  const keys = keysAt(path.slice(0, -1))
  const word = String(path.at(-1))
  if (SECRET.test(word)) return 'unknown key: secrets never stand in this file'
  const near = keys.find(key => isSimilar(word.toLowerCase().replaceAll('-', '_'), key))
  return near ? `unknown key: did you mean ${near}?` : `unknown key: expected one of ${keys.join(', ')}`
}

/** One slip of the finger away: a letter too many, too few, wrong, or two that changed places; two slips in long words. */
function isSimilar(word: string, key: string): boolean {
  const slips = key.length > 6 ? 2 : 1
  if (word.length >= 4 && key.startsWith(word)) return true
  // a word may be of any length; what is that much longer needs no further look
  return Math.abs(word.length - key.length) <= slips && distance(word, key) <= slips
}

/** Letters to insert, delete, replace or swap with their neighbour to make one word of the other. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    const [before = [], earlier = []] = [rows[i - 1], rows[i - 2]]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const at = (cells: readonly number[], column: number) => cells[column] ?? Number.POSITIVE_INFINITY
      row[j] = Math.min(at(before, j) + 1, at(row, j - 1) + 1, at(before, j - 1) + (same ? 0 : 1))
      if (swapped) row[j] = Math.min(at(row, j), at(earlier, j - 2) + 1)
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}
