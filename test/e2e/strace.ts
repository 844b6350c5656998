/** Runs a program under strace and reads what it and its children did to files. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './child.ts'

/** A system call that succeeded: its arguments as strace shows them, texts as they were, and what it returned. */
export interface Call {
  readonly pid: string
  readonly name: string
  readonly args: readonly Argument[]
  readonly result: string
}

/** Of a descriptor, `path` is the file behind it; of a text, `text` its bytes as latin1. */
export interface Argument {
  readonly shown: string
  readonly path?: string
  readonly text?: string
}

/** Whatever may change a name, a file or a folder, and where a process stands while it does. */
const CALLS = [
  ['open', 'openat', 'creat', 'write', 'pwrite64', 'writev', 'copy_file_range', 'sendfile'],
  ['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat'],
  ['mkdir', 'mkdirat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'truncate', 'ftruncate', 'chdir', 'fchdir'],
].flat()

/** Longer than any certificate file; strace cuts texts at 32 characters unless told otherwise. */
const WHOLE = String(1 << 20)

/** strace's words: these calls of all processes, texts up to a length, paths whole, into a file. */
export const tracing = (
  calls: string | readonly string[],
  length: string,
  file: string,
): readonly string[] => [
  '-f',
  // stops only where something is to be seen, or a shell of many commands takes minutes
  '--seccomp-bpf',
  '-y',
  '-qq',
  '-s',
  length,
  '-e',
  'signal=none',
  '-e',
  `trace=${calls}`,
  '-o',
  file,
]

/** In milliseconds; strace makes everything slower. */
const PATIENCE = 250_000

/** Runs programs as `run` does and keeps what they did, one trace a program, in this directory. */
export function openTracer(directory: string): {
  readonly run: typeof run
  readonly take: () => Promise<readonly Call[]>
} {
  const traces: string[] = []
  return {
    run: (file, args, env) => {
      const trace = join(directory, `trace${traces.push('')}`)
      traces.splice(-1, 1, trace)
      const options = tracing(CALLS, WHOLE, trace)
      return run('strace', [...options, file, ...args], env, PATIENCE)
    },
    take: async () => {
      const texts = await Promise.all(traces.splice(0).map(trace => readFile(trace, 'latin1')))
      return texts.flatMap(callsIn)
    },
  }
}

/** In the order in which they were done; those that failed are left out. */
export function callsIn(trace: string): readonly Call[] {
  const begun = new Map<string, string>()
  const calls: Call[] = []
  for (const line of trace.split('\n')) {
    const [, pid = '', said = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (said.endsWith(' <unfinished ...>')) {
      begun.set(pid, said.slice(0, -' <unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said)?.[1]
    const call = callFrom(pid, resumed === undefined ? said : (begun.get(pid) ?? '') + resumed)
    if (call) calls.push(call)
  }
  return calls
}

function callFrom(pid: string, said: string): Call | undefined {
  // greedy: whatever a text says, the last of these ends the arguments
  const [, name, args, result] = /^(\w+)\((.*)\) += (\S+)/.exec(said) ?? []
  if (!name || args === undefined || !result || result.startsWith('-1') || result === '?') return undefined
  return { pid, name, args: argumentsIn(args), result }
}

const ARGUMENT = /"((?:[^"\\]|\\.)*)"(?:\.\.\.)?|[^,<>"]+(?:<([^>]*)>)?/g

const argumentsIn = (text: string): readonly Argument[] =>
  [...text.matchAll(ARGUMENT)]
    .filter(([shown]) => shown.trim())
    .map(([shown, quoted, path]) => ({
      shown: shown.trim(),
      ...(quoted !== undefined && { text: unquoted(quoted) }),
      ...(path !== undefined && { path }),
    }))

const LETTERS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }

const unquoted = (text: string) =>
  text.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (LETTERS[code] ?? code),
  )
