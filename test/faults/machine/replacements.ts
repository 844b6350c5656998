/** How people and their tools replace a file: every way, step by step, with a pause wherever one can be. */
import { appendFile, mkdir, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface Replacement {
  readonly file: string
  readonly text: string
  /** So that names are new each time. */
  readonly turn: number
  readonly pause: () => Promise<void>
  readonly dice: () => number
}

type Way = (replacement: Replacement) => Promise<unknown>

/** Three to five pieces, cut anywhere. */
function piecesOf({ text, dice }: Replacement): readonly string[] {
  const cuts = Array.from({ length: 2 + Math.floor(dice() * 3) }, () => Math.floor(dice() * text.length))
  const ends = [...cuts.sort((a, b) => a - b), text.length]
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end))
}

/** What `file` leads to is empty by now, or not there. */
async function inPieces(replacement: Replacement, file = replacement.file): Promise<void> {
  for (const piece of piecesOf(replacement)) {
    await appendFile(file, piece)
    await replacement.pause()
  }
}

export const WAYS: Readonly<Record<string, Way>> = {
  'emptied, then filled': async ({ file, text, pause }) => {
    await writeFile(file, '')
    await pause()
    await writeFile(file, text)
  },
  'emptied, then written in pieces': async replacement => {
    await writeFile(replacement.file, '')
    await replacement.pause()
    await inPieces(replacement)
  },
  'written over the old text': async replacement => {
    const held = await open(replacement.file, 'r+')
    let at = 0
    for (const piece of piecesOf(replacement)) {
      await held.write(piece, at)
      at += Buffer.byteLength(piece)
      await replacement.pause()
    }
    await held.truncate(at)
    await held.close()
  },
  'renamed over': async ({ file, text, pause }) => {
    await writeFile(`${file}.new`, text)
    await pause()
    await rename(`${file}.new`, file)
  },
  'removed, then written in pieces': async replacement => {
    await unlink(replacement.file)
    await replacement.pause()
    await inPieces(replacement)
  },
  'moved aside, then written': async ({ file, text, pause }) => {
    await rename(file, `${file}~`)
    await pause()
    await writeFile(file, text)
  },
  'a link removed, and set anew': async ({ file, text, turn, pause }) => {
    await writeFile(`${file}.${turn}`, text)
    await unlink(file)
    await pause()
    await symlink(`${file}.${turn}`, file)
  },
  'a link renamed over': async ({ file, text, turn, pause }) => {
    await writeFile(`${file}.${turn}`, text)
    await symlink(`${file}.${turn}`, `${file}.link`)
    await pause()
    await rename(`${file}.link`, file)
  },
  'a link to what is written after it': async replacement => {
    const { file, turn, pause } = replacement
    await unlink(file)
    await pause()
    await symlink(`${file}.${turn}`, file)
    await pause()
    await inPieces(replacement, `${file}.${turn}`)
  },
  'the folder moved away, and another in its place': async ({ file, text, turn, pause }) => {
    const folder = dirname(file)
    const next = `${folder}.${turn}`
    await mkdir(next)
    await writeFile(join(next, basename(file)), text)
    await rename(folder, `${folder}~`)
    await pause()
    await rename(next, folder)
    await rm(`${folder}~`, { recursive: true })
  },
}
