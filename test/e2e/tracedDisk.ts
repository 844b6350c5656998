/** A disk in memory on which traced calls are done again, so that each is known with what the file holds after it. */
import { resolve } from 'node:path'
import type { Argument, Call } from './strace.ts'

/** A change by its absolute path; `text` is all that the file holds after it, as latin1. */
export type Change =
  | { readonly do: 'mkdir' | 'rmdir' | 'create' | 'empty' | 'unlink'; readonly path: string }
  | { readonly do: 'write'; readonly path: string; readonly text: string }
  | { readonly do: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly do: 'rename' | 'link' | 'symlink'; readonly path: string; readonly from: string }

export interface VirtualDisk {
  /** The changes that these calls made, in order. */
  readonly follow: (calls: readonly Call[]) => readonly Change[]
  readonly files: ReadonlyMap<string, string>
}

/** `cwd` is where traced programs are started; in `root` nothing may be missed. */
export function openVirtualDisk(cwd: string, root: string): VirtualDisk {
  const files = new Map<string, string>()
  const places = new Map<string, string>()
  return {
    files,
    follow: calls => calls.flatMap(call => changesOf(call, { files, places, cwd, root })),
  }
}

interface Memory {
  readonly files: Map<string, string>
  /** Where each process stands. */
  readonly places: Map<string, string>
  readonly cwd: string
  readonly root: string
}

type Doing = (call: Call, memory: Memory) => readonly Change[]

/** A folder as a descriptor (`AT_FDCWD</here>`) and a name in it; or a name alone. */
function pathAt({ args, pid }: Call, at: number, { places, cwd }: Memory): string {
  const folder = args[at]?.path ?? places.get(pid) ?? cwd
  const name = args.slice(at).find(({ text }) => text !== undefined)?.text ?? ''
  return resolve(folder, name)
}

const opened: Doing = (call, memory) => {
  const { args, result } = call
  const path = /<(.*)>$/.exec(result)?.[1]
  const flags =
    call.name === 'creat'
      ? 'O_CREAT|O_TRUNC'
      : (args.find(({ shown }) => shown.startsWith('O_'))?.shown ?? '')
  if (!path || !/O_CREAT|O_TRUNC/.test(flags)) return []
  const before = memory.files.get(path)
  if (before === undefined) {
    memory.files.set(path, '')
    return [{ do: 'create', path }]
  }
  if (!before || !flags.includes('O_TRUNC')) return []
  memory.files.set(path, '')
  return [{ do: 'empty', path }]
}

/** Nobody seeks in these files: what is written follows what is there. The end-to-end test holds the result to the disk. */
function grown({ files }: Memory, path: string | undefined, text: string): readonly Change[] {
  if (!path || !text) return []
  const whole = (files.get(path) ?? '') + text
  files.set(path, whole)
  return [{ do: 'write', path, text: whole }]
}

const written: Doing = ({ args: [to, what], result }, memory) =>
  grown(memory, to?.path, what?.text?.slice(0, Number(result)) ?? '')

const copied =
  (from: number, to: number): Doing =>
  ({ args, result }, memory) => {
    const count = Number(result)
    // a file that was there before is a stranger's, and so is what becomes of it
    const text = memory.files.get(args[from]?.path ?? '') ?? '\0'.repeat(count)
    if (count > 0 && count !== text.length) throw new Error(`${args[from]?.path}: copied in pieces`)
    return count ? grown(memory, args[to]?.path, text) : []
  }

const named =
  (name: 'mkdir' | 'rmdir' | 'unlink'): Doing =>
  (call, memory) => {
    const path = pathAt(call, 0, memory)
    const removesFolder = call.args.some(({ shown }) => shown === 'AT_REMOVEDIR')
    if (name === 'unlink') memory.files.delete(path)
    return [{ do: removesFolder ? 'rmdir' : name, path }]
  }

/** The second of two names begins with the second folder, where folders are given, else with the second text. */
function pair(call: Call, memory: Memory): readonly [string, string] {
  const second = call.args.findIndex(
    ({ text, path }, i) => i > 0 && (text !== undefined || path !== undefined),
  )
  const at =
    call.args[0]?.path === undefined
      ? second
      : call.args.findIndex(({ path }, i) => i > 1 && path !== undefined)
  return [pathAt(call, 0, memory), pathAt(call, at, memory)]
}

const renamed: Doing = (call, memory) => {
  const [from, path] = pair(call, memory)
  const text = memory.files.get(from)
  memory.files.delete(from)
  memory.files.delete(path)
  if (text !== undefined) memory.files.set(path, text)
  return [{ do: 'rename', path, from }]
}

const linked: Doing = (call, memory) => {
  const [from, path] = pair(call, memory)
  memory.files.set(path, memory.files.get(from) ?? '')
  return [{ do: 'link', path, from }]
}

const symlinked: Doing = (call, memory) => {
  const from = call.args[0]?.text ?? ''
  return [{ do: 'symlink', path: pathAt(call, 1, memory), from }]
}

const changedMode: Doing = (call, memory) => {
  const path = call.name === 'fchmod' ? (call.args[0]?.path ?? '') : pathAt(call, 0, memory)
  const mode = Number.parseInt(call.args.findLast(isOctal)?.shown ?? '', 8)
  return [{ do: 'chmod', path, mode }]
}

const isOctal = ({ shown }: Argument) => /^0\d*$/.test(shown)

const moved: Doing = (call, memory) => {
  const descriptor = call.name === 'fchdir' ? call.args[0]?.path : undefined
  memory.places.set(call.pid, descriptor ?? pathAt(call, 0, memory))
  return []
}

const DOINGS: Readonly<Record<string, Doing>> = {
  open: opened,
  openat: opened,
  creat: opened,
  write: written,
  copy_file_range: copied(0, 2),
  sendfile: copied(1, 0),
  mkdir: named('mkdir'),
  mkdirat: named('mkdir'),
  rmdir: named('rmdir'),
  unlink: named('unlink'),
  unlinkat: named('unlink'),
  rename: renamed,
  renameat: renamed,
  renameat2: renamed,
  link: linked,
  linkat: linked,
  symlink: symlinked,
  symlinkat: symlinked,
  chmod: changedMode,
  fchmod: changedMode,
  fchmodat: changedMode,
  chdir: moved,
  fchdir: moved,
}

function changesOf(call: Call, memory: Memory): readonly Change[] {
  const doing = DOINGS[call.name]
  if (doing) return doing(call, memory)
  const path = call.args.find(({ path }) => path?.startsWith(`${memory.root}/`))?.path
  // seen of no client yet
  if (path) throw new Error(`${call.name} of ${path} cannot be followed`)
  return []
}
