/** Text from elsewhere made fit for a terminal and a log line. Pure. */

// C0, DEL, C1, line and paragraph separators, and the marks that reorder text to the reader's eye
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

/** One line, no escapes, at most `most` characters: what a certificate or a reply says can never steer a terminal. */
export function printable(text: string, most = 500): string {
  const line = text
    .replace(/\s*[\r\n]+\s*/g, ' ')
    .replace(UNPRINTABLE, '\ufffd')
    .trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}
