/** Text for terminals, JSON lines and the shell. Pure. */

/** Words on lines of at most `width` characters, every line but the first set in by `indent` blanks beside them. */
export function wrap(text: string, width: number, indent = 0): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line && displayWidth(line) + 1 + displayWidth(word) > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}

/** https://www.unicode.org/reports/tr11/ as far as names and messages go; half-width forms are what they are called. */
const WIDE =
  /(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u

/** The columns a terminal gives a text: two for a Chinese character, none for a mark that stands on another one. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  return [...text].reduce((sum, one) => sum + (/\p{M}/u.test(one) ? 0 : WIDE.test(one) ? 2 : 1), 0)
}

export const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)))

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const

/** In the largest unit that gives at least two, seconds else: `47 days`, `90 minutes`, `75 s`. */
export function durationText(seconds: number): string {
  for (const [size, unit] of UNITS) if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}s`
  return `${Math.round(seconds)} s`
}

/** What JSON may hold as it is and a terminal obeys or hides: C1 controls, marks of direction, separators of lines. */
const UNSEEN = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu

/** The same JSON, every such character written as its escape. */
export const escapeText = (json: string): string =>
  json.replace(UNSEEN, character =>
    Array.from({ length: character.length }, (_, i) => escapeOf(character.charCodeAt(i))).join(''),
  )

const escapeOf = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

/** `shown` may put another value in a member's place, by its name. */
export const jsonLine = (value: unknown, shown?: (name: string, value: unknown) => unknown): string =>
  `${escapeText(JSON.stringify(value, shown))}\n`

// control and format characters (escapes, marks that reorder text to the reader's eye or hide in it), separators, halves
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** One line, no escapes, at most `most` characters: what a certificate or a reply says can never steer a terminal. */
export function printableText(text: string, most = 500): string {
  // a character is two halves at most: of a long text the rest need not be looked at
  const begun = text
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 2 * most + 2)
  const line = begun.replace(UNPRINTABLE, '\ufffd').trim()
  return line.length > most ? `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…` : line
}

/** What runs: Node with what it is given to run, or the self-contained program. */
interface Program {
  readonly node: string
  readonly main: string | undefined
}

/** One word of POSIX sh that means exactly this text. */
export const quoteShell = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The words that start the program from anywhere, by absolute paths. */
export const programWords = ({ node, main }: Program): string =>
  [node, ...(main === undefined ? [] : [main])].map(quoteShell).join(' ')
