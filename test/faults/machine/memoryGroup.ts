/** A cap on memory that the kernel itself holds: a control group, of version 1 or 2. Node heeds no other limit. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../../src/util/async.ts'
import { isRoot } from '../../fixtures/asNobody.ts'

interface Kind {
  readonly parent: string
  readonly limit: string
  /** Where swap would be the way out; not every kernel counts it. */
  readonly swap: string
  readonly peak: string
}

const KINDS: readonly Kind[] = [
  {
    parent: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    swap: 'memory.memsw.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
  },
  { parent: '/sys/fs/cgroup', limit: 'memory.max', swap: 'memory.swap.max', peak: 'memory.peak' },
]

export interface MemoryGroup {
  /** Put before a command, has it run in here. */
  readonly prefix: readonly string[]
  /** The most it has ever held, the kernel's own part and cached files included. In bytes. */
  readonly peak: () => Promise<number>
  readonly close: () => Promise<void>
}

const ENTER = 'echo $$ > "$0/cgroup.procs"; ulimit -c 0; exec "$@"'

/** Undefined where nobody lets us make one. */
export async function openMemoryGroup(bytes: number): Promise<MemoryGroup | undefined> {
  for (const kind of isRoot ? KINDS : []) {
    const group = join(kind.parent, `certferry-${randomUUID()}`)
    const at = (name: string) => join(group, name)
    const made = await mkdir(group).catch(() => 'not made')
    if (made === 'not made') continue
    if (!existsSync(at(kind.limit))) {
      await rmdir(group)
      continue
    }
    await writeFile(at(kind.limit), `${bytes}`)
    if (existsSync(at(kind.swap)))
      await writeFile(at(kind.swap), kind.swap.endsWith('.max') ? '0' : `${bytes}`)
    return {
      prefix: ['/bin/sh', '-c', ENTER, group],
      peak: async () => Number(await readFile(at(kind.peak), 'utf8').catch(() => Number.NaN)),
      close: () => removed(group),
    }
  }
  return undefined
}

/** What was killed in it takes its time to be gone. */
async function removed(group: string, tries = 40): Promise<void> {
  const error = await rmdir(group).catch((reason: NodeJS.ErrnoException) => reason)
  if (!error) return
  if (error.code !== 'EBUSY' || tries === 0) throw error
  await sleep(50)
  await removed(group, tries - 1)
}
