/** The word that was meant, for one that is not known. Pure. */

/** The choice that is most like the word; those that are too different are none. */
export function similarTo(word: string, choices: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  const near = choices.filter(choice => isSimilar(lower, choice.toLowerCase()))
  // of two, rather the one with the same beginning
  return near.find(choice => choice.startsWith(lower.slice(0, 1))) ?? near[0]
}

/** Follows a message that a word is not known; empty where nothing is like it. */
export function meant(word: string, choices: readonly string[], shown = (choice: string) => choice): string {
  const near = similarTo(word, choices)
  return near === undefined ? '' : `; did you mean ${shown(near)}?`
}

/** Longer words and other characters could be a secret in the wrong place, and are not repeated. */
const SHOWN = /^[\w .-]{1,20}$/

/** What is wrong with a word that is none of the choices: the one that was meant, or all. */
export function choiceProblem(
  word: unknown,
  choices: readonly string[],
  quote = (choice: string) => choice,
): string {
  const given = typeof word === 'string' && SHOWN.test(word) ? word : undefined
  const near = given && similarTo(given, choices)
  if (near) return `"${given}" is unknown: did you mean ${quote(near)}?`
  const all = choices.map(quote).join(', ')
  return `expected one of ${all}${given === undefined ? '' : `, not "${given}"`}`
}

/** One typing error away, two in long words: a letter too many, missing or wrong, or two letters swapped. */
function isSimilar(word: string, key: string): boolean {
  const errors = key.length > 6 ? 2 : 1
  if (word.length >= 4 && key.startsWith(word)) return true
  // a word may be of any length: the distance to a much longer one is not computed
  return Math.abs(word.length - key.length) <= errors && distance(word, key) <= errors
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
