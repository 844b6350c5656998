/** A change to the disk in named steps, so that a test may stop, look or crash between any two of them. */
import { writeFile } from 'node:fs/promises'

export interface Step {
  readonly name: string
  readonly run: () => Promise<void>
  /** Of a step that fills a file: what, so that it can be cut in the middle. */
  readonly writing?: Pick<Writing, 'path' | 'text'>
}

export const step = (name: string, run: () => Promise<void>): Step => ({ name, run })

export async function all(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await step.run()
}

/** The steps up to and including the one of that name. */
export function upTo(steps: readonly Step[], name: string): readonly Step[] {
  const found = steps.findIndex(step => step.name === name)
  if (found < 0) throw new RangeError(`no step "${name}" among: ${steps.map(step => step.name).join(', ')}`)
  return steps.slice(0, found + 1)
}

/** The steps that come after the one of that name. */
export const after = (steps: readonly Step[], name: string): readonly Step[] =>
  steps.slice(upTo(steps, name).length)

export interface Writing {
  readonly file: string
  readonly path: () => string | Promise<string>
  readonly text: () => string
  /** Of a new file, less the umask; one that is there keeps its own, and its inode. */
  readonly mode?: number
}

/** Clients open a file, which creates or empties it, and then write: a reader may come in between. */
export const written = ({ file, path, text, mode = 0o666 }: Writing): readonly Step[] => [
  step(`open ${file}`, async () => writeFile(await path(), '', { mode })),
  filling(`write ${file}`, { path, text }),
]

/** Fills a file that is there and empty, whatever its mode, as through a descriptor that is already open. */
export const filling = (name: string, writing: NonNullable<Step['writing']>): Step => ({
  ...step(name, async () => writeFile(await writing.path(), writing.text(), { flag: 'r+' })),
  writing,
})

/** The same steps, each write cut where a reader may be misled. */
export const finely = (steps: readonly Step[]): readonly Step[] =>
  steps.flatMap(one => {
    const { name, writing } = one
    if (!writing) return [one]
    const cuts = cutsOf(writing.text()).map(end =>
      filling(`${name}, ${end} bytes`, { ...writing, text: () => writing.text().slice(0, end) }),
    )
    return [...cuts, one]
  })

/**
 * Within the first line; within the first block and the last; around the end of each block, where what has been written
 * is good PEM; and before the last newline, which changes nothing. A text without blocks is cut in half.
 */
export function cutsOf(text: string): readonly number[] {
  const ends = [...text.matchAll(/-----END [A-Z0-9 ]+-----\n?/g)].map(
    ({ index, 0: end }) => index + end.length,
  )
  const begins = [0, ...ends.slice(0, -1)]
  const middles = ends.map((end, i) => Math.floor((end + (begins[i] ?? 0)) / 2))
  const cuts = ends.length
    ? [7, ...middles, ...ends.flatMap(end => [end - 1, end])]
    : [Math.floor(text.length / 2)]
  return [...new Set(cuts)].filter(cut => cut > 0 && cut < text.length).sort((a, b) => a - b)
}
