/** The built program under strace: the calls it makes below a folder, and what comes of it when one of them fails. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, ended } from './child.ts'
import type { Command, Ground } from './stateDirFixture.ts'

/** The nth time that a thread calls this with this path. */
export interface Call {
  readonly name: string
  /** Absolute; the ground's own folder is written as HERE, for each run has its own. */
  readonly path: string
  readonly nth: number
  /** Whether the call changes what is on disk. */
  readonly isChange: boolean
}

const CHANGE =
  /^(?:p?write|pwritev|f?truncate|rename|unlink|mkdir|link|symlink|f?chown|f?chmod)(?:v|2|at|at2|64)?\(|O_CREAT/

export const hasStrace = spawnSync('strace', ['--version']).status === 0

/** Stops the program at the calls that are asked for alone; since strace 5.3. Signals are not injected so: the calls go on. */
const QUICK =
  spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true']).status === 0
    ? ['--seccomp-bpf']
    : []

const HERE = 'ground:'

/** One thread for files beside the main one, or which of several makes a call would be chance. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' }

function under(options: readonly string[], { words, env, folder }: Ground, command: Command) {
  const output = join(folder, 'trace')
  const traced = ['strace', '-f', '-e', 'signal=none', '-o', output, ...options]
  return { words: [...traced, ...words(command)], env: { ...env, ...ONE_THREAD }, output }
}

/** Every call with a path or an open file in one of these folders, as one run without a fault makes them. */
export async function callsOf(
  ground: Ground,
  command: Command,
  folders: readonly string[],
): Promise<readonly Call[]> {
  const { words, env, output } = under(['-y', '-e', 'trace=%file,%desc'], ground, command)
  const { code, stderr } = await ended(words, env)
  if (code !== 0) throw new Error(`a run without a fault ended with ${code}: ${stderr}`)
  const counts = new Map<string, number>()
  const calls = new Map<string, Call>()
  for (const line of (await readFile(output, 'utf8')).split('\n')) {
    const [, thread, name, rest = ''] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? []
    const path = pathsIn(rest).find(found => folders.some(folder => found.startsWith(folder)))
    if (!name || name === 'execve' || !path) continue
    const key = [thread, name, path].join(' ')
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    const isChange = CHANGE.test(`${name}(${rest}`)
    calls.set([name, path, nth].join(' '), { name, path: path.replace(ground.folder, HERE), nth, isChange })
  }
  return [...calls.values()]
}

const pathsIn = (line: string) => line.match(/[<"]\/[^">]*/g)?.map(found => found.slice(1)) ?? []

/** Undefined where the call was not made: threads do not always meet in the same order. */
export async function struck(
  ground: Ground,
  command: Command,
  { name, path, nth }: Call,
  how: string,
  lasting = false,
): Promise<Ended | undefined> {
  const when = `${nth}${lasting ? '+' : ''}`
  const quick = how.startsWith('error=') ? QUICK : []
  const place = [...quick, '-P', path.replace(HERE, ground.folder), '-e', `trace=${name}`]
  const { words, env, output } = under(
    [...place, '-e', `inject=${name}:${how}:when=${when}`],
    ground,
    command,
  )
  const made = await ended(words, env)
  return made.signal || (await readFile(output, 'utf8')).includes('(INJECTED)') ? made : undefined
}
