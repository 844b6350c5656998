/** Runs a program under strace and reads which files it and its children changed, with their contents after each change. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { run } from './child.ts'

/** A system call that succeeded: its arguments as strace shows them, texts as they were, and what it returned. */
export interface Call {
  readonly pid: string
  readonly name: string
  readonly args: readonly Argument[]
  readonly result: string
}

/** Of a descriptor, `path` is the file behind it; of a text, `text` its bytes as latin1. */
interface Argument {
  readonly shown: string
  readonly path?: string
  readonly text?: string
}

/** Calls that may change a name, a file or a folder, or the working directory. */
const CALLS = [
  ['open', 'openat', 'creat', 'write', 'pwrite64', 'writev', 'copy_file_range', 'sendfile'],
  ['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat'],
  ['mkdir', 'mkdirat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'truncate', 'ftruncate', 'chdir', 'fchdir'],
].flat()

/** Longer than any certificate file; strace cuts texts at 32 characters unless told otherwise. */
const WHOLE = String(1 << 20)

/** Options of strace: these calls of all processes, texts up to a length, whole paths, into a file. */
export const tracing = (
  calls: string | readonly string[],
  length: string,
  file: string,
): readonly string[] => [
  '-f',
  // stops at traced calls alone, or a shell of many commands takes minutes
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
const TIMEOUT_MS = 250_000

/** Runs programs as `run` does, with one trace for each in this directory. */
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
      return run('strace', [...options, file, ...args], env, TIMEOUT_MS)
    },
    take: async () => {
      const texts = await Promise.all(traces.splice(0).map(trace => readFile(trace, 'latin1')))
      return texts.flatMap(callsIn)
    },
  }
}

/** Successful calls in order. */
export function callsIn(trace: string): readonly Call[] {
  const unfinished = new Map<string, string>()
  const calls: Call[] = []
  for (const line of trace.split('\n')) {
    const [, pid = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (text.endsWith(' <unfinished ...>')) {
      unfinished.set(pid, text.slice(0, -' <unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1]
    const call = callFrom(pid, resumed === undefined ? text : (unfinished.get(pid) ?? '') + resumed)
    if (call) calls.push(call)
  }
  return calls
}

function callFrom(pid: string, text: string): Call | undefined {
  // greedy: whatever a text says, the last of these ends the arguments
  const [, name, args, result] = /^(\w+)\((.*)\) += (\S+)/.exec(text) ?? []
  if (!name || args === undefined || !result || result.startsWith('-1') || result === '?') return undefined
  return { pid, name, args: argumentsIn(args), result }
}

const ARGUMENT = /"((?:[^"\\]|\\.)*)"(?:\.\.\.)?|[^,<>"]+(?:<([^>]*)>)?/g

const argumentsIn = (text: string): readonly Argument[] =>
  [...text.matchAll(ARGUMENT)]
    .filter(([shown]) => shown.trim())
    .map(([shown, quoted, path]) => ({
      shown: shown.trim(),
      ...(quoted !== undefined && { text: unquote(quoted) }),
      ...(path !== undefined && { path }),
    }))

const LETTERS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }

const unquote = (text: string) =>
  text.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (LETTERS[code] ?? code),
  )

/** A change by its absolute path; `text` is all that the file holds after it, as latin1. */
export type Change =
  | { readonly do: 'mkdir' | 'rmdir' | 'create' | 'empty' | 'unlink'; readonly path: string }
  | { readonly do: 'write'; readonly path: string; readonly text: string }
  | { readonly do: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly do: 'rename' | 'link' | 'symlink'; readonly path: string; readonly from: string }

interface VirtualDisk {
  /** The changes that these calls made, in order. */
  readonly follow: (calls: readonly Call[]) => readonly Change[]
  readonly files: ReadonlyMap<string, string>
}

/** Repeats traced calls in memory. `cwd` is the working directory of traced programs; a call in `root` that cannot be repeated is an error. */
export function openVirtualDisk(cwd: string, root: string): VirtualDisk {
  const files = new Map<string, string>()
  const directories = new Map<string, string>()
  return {
    files,
    follow: calls => calls.flatMap(call => changesOf(call, { files, directories, cwd, root })),
  }
}

interface DiskState {
  readonly files: Map<string, string>
  /** The working directory of each process. */
  readonly directories: Map<string, string>
  readonly cwd: string
  readonly root: string
}

type Handler = (call: Call, state: DiskState) => readonly Change[]

/** A folder as a descriptor (`AT_FDCWD</here>`) and a name in it; or a name alone. */
function pathAt({ args, pid }: Call, at: number, { directories, cwd }: DiskState): string {
  const folder = args[at]?.path ?? directories.get(pid) ?? cwd
  const name = args.slice(at).find(({ text }) => text !== undefined)?.text ?? ''
  return resolve(folder, name)
}

const onOpen: Handler = (call, state) => {
  const { args, result } = call
  const path = /<(.*)>$/.exec(result)?.[1]
  const flags =
    call.name === 'creat'
      ? 'O_CREAT|O_TRUNC'
      : (args.find(({ shown }) => shown.startsWith('O_'))?.shown ?? '')
  if (!path || !/O_CREAT|O_TRUNC/.test(flags)) return []
  const before = state.files.get(path)
  if (before === undefined) {
    state.files.set(path, '')
    return [{ do: 'create', path }]
  }
  if (!before || !flags.includes('O_TRUNC')) return []
  state.files.set(path, '')
  return [{ do: 'empty', path }]
}

/** Nobody seeks in these files: what is onWrite follows what is there. The end-to-end test holds the result to the disk. */
function append({ files }: DiskState, path: string | undefined, text: string): readonly Change[] {
  if (!path || !text) return []
  const whole = (files.get(path) ?? '') + text
  files.set(path, whole)
  return [{ do: 'write', path, text: whole }]
}

const onWrite: Handler = ({ args: [to, what], result }, state) =>
  append(state, to?.path, what?.text?.slice(0, Number(result)) ?? '')

const onCopy =
  (from: number, to: number): Handler =>
  ({ args, result }, state) => {
    const count = Number(result)
    // the contents of a file that was there before are not known
    const text = state.files.get(args[from]?.path ?? '') ?? '\0'.repeat(count)
    if (count > 0 && count !== text.length) throw new Error(`${args[from]?.path}: onCopy in pieces`)
    return count ? append(state, args[to]?.path, text) : []
  }

const onName =
  (name: 'mkdir' | 'rmdir' | 'unlink'): Handler =>
  (call, state) => {
    const path = pathAt(call, 0, state)
    const removesFolder = call.args.some(({ shown }) => shown === 'AT_REMOVEDIR')
    if (name === 'unlink') state.files.delete(path)
    return [{ do: removesFolder ? 'rmdir' : name, path }]
  }

/** The second of two names begins with the second folder, where folders are given, else with the second text. */
function pathsOf(call: Call, state: DiskState): readonly [string, string] {
  const second = call.args.findIndex(
    ({ text, path }, i) => i > 0 && (text !== undefined || path !== undefined),
  )
  const at =
    call.args[0]?.path === undefined
      ? second
      : call.args.findIndex(({ path }, i) => i > 1 && path !== undefined)
  return [pathAt(call, 0, state), pathAt(call, at, state)]
}

const onRename: Handler = (call, state) => {
  const [from, path] = pathsOf(call, state)
  const text = state.files.get(from)
  state.files.delete(from)
  state.files.delete(path)
  if (text !== undefined) state.files.set(path, text)
  return [{ do: 'rename', path, from }]
}

const onLink: Handler = (call, state) => {
  const [from, path] = pathsOf(call, state)
  state.files.set(path, state.files.get(from) ?? '')
  return [{ do: 'link', path, from }]
}

const onSymlink: Handler = (call, state) => {
  const from = call.args[0]?.text ?? ''
  return [{ do: 'symlink', path: pathAt(call, 1, state), from }]
}

const onChmod: Handler = (call, state) => {
  const path = call.name === 'fchmod' ? (call.args[0]?.path ?? '') : pathAt(call, 0, state)
  const mode = Number.parseInt(call.args.findLast(isOctal)?.shown ?? '', 8)
  return [{ do: 'chmod', path, mode }]
}

const isOctal = ({ shown }: Argument) => /^0\d*$/.test(shown)

const onChdir: Handler = (call, state) => {
  const descriptor = call.name === 'fchdir' ? call.args[0]?.path : undefined
  state.directories.set(call.pid, descriptor ?? pathAt(call, 0, state))
  return []
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  open: onOpen,
  openat: onOpen,
  creat: onOpen,
  write: onWrite,
  copy_file_range: onCopy(0, 2),
  sendfile: onCopy(1, 0),
  mkdir: onName('mkdir'),
  mkdirat: onName('mkdir'),
  rmdir: onName('rmdir'),
  unlink: onName('unlink'),
  unlinkat: onName('unlink'),
  rename: onRename,
  renameat: onRename,
  renameat2: onRename,
  link: onLink,
  linkat: onLink,
  symlink: onSymlink,
  symlinkat: onSymlink,
  chmod: onChmod,
  fchmod: onChmod,
  fchmodat: onChmod,
  chdir: onChdir,
  fchdir: onChdir,
}

function changesOf(call: Call, state: DiskState): readonly Change[] {
  const handler = HANDLERS[call.name]
  if (handler) return handler(call, state)
  const path = call.args.find(({ path }) => path?.startsWith(`${state.root}/`))?.path
  // not seen of any client yet
  if (path) throw new Error(`${call.name} of ${path} cannot be repeated`)
  return []
}
