/** Reads Prometheus text of our own making: what a run before this one left in its textfile. Pure. */

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/

/** From the first character of a name only: one of a million letters would be tried from each of them. */
const LABEL = /(?<!\w)([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

const ESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

/** What cannot be read is left out: a damaged file costs its counts, never a run. */
export const parseSamples = (text: string): readonly Sample[] =>
  text.split('\n').flatMap(line => {
    const [, name, labels = '', number] = LINE.exec(line) ?? []
    const value = Number(number)
    return name && Number.isFinite(value) ? [{ name, labels: labelsOf(labels), value }] : []
  })

const labelsOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Array.from(text.matchAll(LABEL), ([, name = '', value = '']) => [
      name,
      value.replace(/\\./g, pair => ESCAPED[pair] ?? pair),
    ]),
  )
