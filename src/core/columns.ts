/** Text fitted to a terminal's width. Pure. */

/** Words on lines of at most `width` characters, every line but the first set in by `indent` blanks beside them. */
export function wrapped(text: string, width: number, indent = 0): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}
