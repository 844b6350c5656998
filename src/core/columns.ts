/** Text fitted to a terminal's width. Pure. */

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
