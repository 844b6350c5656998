/** Words for POSIX sh. Pure. */

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
