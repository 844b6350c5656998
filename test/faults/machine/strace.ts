/** The built program under strace: the calls it makes below a folder, and what happens when one of them fails. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command, Fixture } from './fixture.ts'
import { type Ended, run } from './process.ts'

/** What is traced. */
type Traced = Pick<Fixture, 'words' | 'env' | 'folder'>

/** The nth time that a thread makes this call with this path; with any, where it is empty. */
export interface Call {
  readonly name: string
  /** Absolute; the folder of the fixture, which differs from run to run, is written as FOLDER. */
  readonly path: string
  readonly nth: number
  /** Whether the call changes what is on disk. */
  readonly isChange: boolean
}

const CHANGE =
  /^(?:p?write|pwritev|f?truncate|rename|unlink|mkdir|link|symlink|f?chown|f?chmod)(?:v|2|at|at2|64)?\(|O_CREAT/

export const hasStrace = spawnSync('strace', ['--version']).status === 0

/** Stops the program at the traced calls alone, since strace 5.3. Signals are not injected so: the calls go on. */
const QUICK =
  spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true']).status === 0
    ? ['--seccomp-bpf']
    : []

const FOLDER = 'folder:'

async function runTraced({ words, env, folder }: Traced, command: Command, options: readonly string[]) {
  const output = join(folder, 'trace')
  // with several threads for files, which of them makes a call would be chance
  const ended = await run(
    ['strace', '-f', '-e', 'signal=none', '-o', output, ...options, ...words(command)],
    { ...env, UV_THREADPOOL_SIZE: '1' },
  )
  return { ended, trace: await readFile(output, 'utf8') }
}

/** Every call with a path or an open file in one of these folders, as one run without a fault makes them. */
export async function callsOf(
  fixture: Traced,
  command: Command,
  folders: readonly string[],
): Promise<readonly Call[]> {
  const { ended, trace } = await runTraced(fixture, command, ['-y', '-e', 'trace=%file,%desc'])
  if (ended.code !== 0) throw new Error(`a run without a fault ended with ${ended.code}: ${ended.stderr}`)
  const counts = new Map<string, number>()
  const calls = new Map<string, Call>()
  for (const line of trace.split('\n')) {
    const [, thread, name, rest = ''] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? []
    const path = pathsIn(rest).find(found => folders.some(folder => found.startsWith(folder)))
    if (!name || name === 'execve' || !path) continue
    const key = [thread, name, path].join(' ')
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    const isChange = CHANGE.test(`${name}(${rest}`)
    calls.set([name, path, nth].join(' '), {
      name,
      path: path.replace(fixture.folder, FOLDER),
      nth,
      isChange,
    })
  }
  return [...calls.values()]
}

/** Every call with a socket, as one run without a fault makes them. */
export async function socketCallsOf(fixture: Traced, command: Command): Promise<readonly Call[]> {
  const { ended, trace } = await runTraced(fixture, command, ['-y', '-e', 'trace=%network,read,write,writev'])
  if (ended.code !== 0) throw new Error(`a run without a fault ended with ${ended.code}: ${ended.stderr}`)
  const counts = new Map<string, number>()
  const calls = new Map<string, Call>()
  for (const line of trace.split('\n')) {
    const [, thread, name, rest = ''] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? []
    if (!name) continue
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1
    counts.set(`${thread} ${name}`, nth)
    if (/^\d+<(socket|TCP)/.test(rest)) calls.set(`${name} ${nth}`, { name, path: '', nth, isChange: false })
  }
  return [...calls.values()]
}

const pathsIn = (line: string) => line.match(/[<"]\/[^">]*/g)?.map(found => found.slice(1)) ?? []

/** Undefined where the call was not made: threads do not always meet in the same order. */
export async function runWithInjection(
  fixture: Traced,
  command: Command,
  { name, path, nth }: Call,
  fault: string,
  lasting = false,
): Promise<Ended | undefined> {
  const { ended, trace } = await runTraced(fixture, command, [
    ...(fault.startsWith('error=') ? QUICK : []),
    ...(path ? ['-P', path.replace(FOLDER, fixture.folder)] : []),
    '-e',
    `trace=${name}`,
    '-e',
    `inject=${name}:${fault}:when=${nth}${lasting ? '+' : ''}`,
  ])
  return ended.signal || trace.includes('(INJECTED)') ? ended : undefined
}
