/** Text for terminals, JSON lines and the shell. Pure. */

/** Breaks the text into lines of at most `width` columns; all but the first are indented by `indent` more. */
export function wrap(text: string, width: number, indent = 0): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line && displayWidth(line) + 1 + displayWidth(word) > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}

/** The wide characters of https://www.unicode.org/reports/tr11/ that names and messages contain; not half-width forms. */
const WIDE =
  /(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u

/** Of such a text no expression with Unicode properties is asked: to build one takes a millisecond. */
const isAscii = (text: string) => /^[\n -~]*$/.test(text)

/** The columns of a text on a terminal: two for a Chinese character, none for a combining mark. */
export function displayWidth(text: string): number {
  if (isAscii(text)) return text.length
  return [...text].reduce((sum, one) => sum + (/\p{M}/u.test(one) ? 0 : WIDE.test(one) ? 2 : 1), 0)
}

export const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)))

/** A message as it is typed by a user who needs no sudo, or has none. */
export const withoutSudo = (text: string): string => text.replace(/\bsudo (?=[\w/])/g, '')

/** `1 certificate`, `2 certificates`. */
export const countText = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const

/** In the largest unit of which there are at least two, else in seconds: `47 days`, `90 minutes`, `75 s`. */
export function durationText(seconds: number): string {
  for (const [size, unit] of UNITS) if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}s`
  return `${Math.round(seconds)} s`
}

/** What JSON need not escape and a terminal obeys or hides: C1 controls, direction marks, line separators. */
const UNPRINTED = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu

/** The same JSON with every such character escaped. */
export const escapeText = (json: string): string =>
  isAscii(json)
    ? json
    : json.replace(UNPRINTED, character =>
        Array.from({ length: character.length }, (_, i) => escapeOf(character.charCodeAt(i))).join(''),
      )

const escapeOf = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

/** `replace` may change a member's value, by its name. */
export const jsonLine = (value: unknown, replace?: (name: string, value: unknown) => unknown): string =>
  `${escapeText(JSON.stringify(value, replace))}\n`

// control and format characters (escapes, marks that reorder or hide text), separators, lone surrogates
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** One line without escapes, of at most `most` characters: text from a certificate or a reply cannot control a terminal. */
export function printableText(text: string, most = 500): string {
  // the rest of a long text need not be read; a character is at most two surrogates
  const beginning = text
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 2 * most + 2)
  const line = isAscii(beginning) ? beginning : beginning.replace(UNPRINTABLE, '\ufffd').trim()
  return line.length > most ? `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…` : line
}

/** Node and the script that it runs, or the self-contained program, which has no `main`. */
interface Program {
  readonly node: string
  readonly main: string | undefined
}

/** One word of POSIX sh that means exactly this text. */
export const quoteShell = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** The shell words that start the program from any directory. */
export const programWords = ({ node, main }: Program): string =>
  [node, ...(main === undefined ? [] : [main])].map(quoteShell).join(' ')

/** `2026-11-28 03:17 UTC`. */
export const minuteText = (time: string) => `${time.slice(0, 16).replace('T', ' ')} UTC`
