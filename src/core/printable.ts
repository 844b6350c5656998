/** Text from elsewhere made fit for a terminal and a log line. Pure. */

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
