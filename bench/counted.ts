/** What the built program does, in counts that are the same on every machine: code loaded, files touched, connections. */
import { spawnSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Ended, run } from '../test/e2e/child.ts'
import { type Call, callsIn, tracing } from '../test/e2e/strace.ts'
import { BARE, type Environment } from './process.ts'
import { BUILT } from './programs.ts'

export interface Loaded {
  readonly ended: Ended
  /** Paths of code of our own and of packages, in the order in which they were loaded. */
  readonly files: readonly string[]
  /** Their length together. */
  readonly bytes: number
  /** Modules of Node itself. */
  readonly parts: readonly string[]
}

const RECORDER = resolve(import.meta.dirname, 'recorder.ts')

/** Without words: Node alone, which the recorder has loaded something into too. */
export async function loaded(folder: string, words: readonly string[], env: Environment): Promise<Loaded> {
  const output = join(folder, 'loaded.json')
  const program = words.length ? [...BUILT.slice(1), ...words] : ['-e', '0']
  const ended = await run(execPath, ['--import', RECORDER, ...program], {
    ...BARE,
    ...env,
    LOADED_FILE: output,
  })
  const { files, parts } = JSON.parse(await readFile(output, 'utf8'))
  const paths = (files as string[]).filter(url => url.startsWith('file:')).map(url => fileURLToPath(url))
  const sizes = await Promise.all(paths.map(async path => (await stat(path)).size))
  return { ended, files: paths, bytes: sizes.reduce((sum, size) => sum + size, 0), parts }
}

export const hasStrace = spawnSync('strace', ['--version']).status === 0

const TRACED = ['%file', 'connect']

/** Every call of these that succeeded, in the order in which they were made. */
export async function traced(
  folder: string,
  words: readonly string[],
  env: Environment,
): Promise<{ readonly ended: Ended; readonly calls: readonly Call[] }> {
  const output = join(folder, 'trace')
  // texts are not looked at
  const options = tracing(TRACED, '0', output)
  const ended = await run('strace', [...options, ...BUILT, ...words], { ...BARE, ...env })
  return { ended, calls: callsIn(await readFile(output, 'latin1')) }
}

/** The files that were opened, by the paths their links lead to. */
export const opened = (calls: readonly Call[]): readonly string[] =>
  calls.flatMap(({ name, result }) => (name === 'openat' ? (/^\d+<(.*)>$/.exec(result)?.slice(1) ?? []) : []))
