/** A change to the disk in named steps, so that a test may stop, look or crash between any two of them. */
import { writeFile } from 'node:fs/promises'

export interface Step {
  readonly name: string
  readonly run: () => Promise<void>
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
  step(`write ${file}`, async () => writeFile(await path(), text(), { flag: 'r+' })),
]
