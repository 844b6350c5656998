/** Text as man pages have it (man(7)). Pure. */

/** Backslashes, hyphens that are to stay hyphens, and lines that would be taken for requests. */
const escaped = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&')
    .replaceAll('…', '...')

/** A heading begins a paragraph of its own. */
const begun = (heading: string, parts: readonly string[]) =>
  [heading, ...parts].join('\n').replace(/^(\.S[HS] .*\n)\.PP\n/, '$1')

export const section = (title: string, ...parts: readonly string[]) => begun(`.SH ${title}`, parts)

export const subsection = (title: string, ...parts: readonly string[]) =>
  begun(`.SS ${escaped(title)}`, parts)

export const paragraph = (text: string) => `.PP\n${escaped(text)}`

/** A term and what it means, each text on a line of its own. */
export const item = (term: string, ...texts: readonly string[]) =>
  `.TP\n.B ${escaped(term)}\n${texts.map(escaped).join('\n.br\n')}`

/** As it stands: lines keep their ends, and blanks their places. */
export const verbatim = (text: string) => `.PP\n.nf\n${escaped(text.trimEnd())}\n.fi`

export interface PageHead {
  readonly name: string
  readonly number: number
  readonly version: string
  readonly date: Date
}

export const page = ({ name, number, version, date }: PageHead, ...sections: readonly string[]) =>
  `.TH ${name.toUpperCase()} ${number} ${date.toISOString().slice(0, 10)} "certferry ${version}"\n${sections.join('\n')}\n`
