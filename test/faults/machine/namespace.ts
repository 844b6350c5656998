/** Mounts of a test's own, that nobody else sees: a shell in a namespace, over a ground. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRoot } from '../../fixtures/asNobody.ts'
import { type Ended, ended } from './child.ts'
import type { Ground } from './stateDirFixture.ts'

/** Whoever is not root is root in a user namespace, where the machine allows one. */
const UNSHARE = ['unshare', ...(isRoot ? ['-m'] : ['-U', '-r', '-m'])] as const

export const hasMounts =
  spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

export interface Staging {
  /** Lines of shell; `$STATE` is the state directory, `$PAST` what it held. */
  readonly before: string
  /** While the first request waits for its answer. */
  readonly during?: string
  readonly after: string
}

export interface Staged {
  readonly made: Ended
  readonly healed: Ended
  /** Copies of the state directory after the one and after the other. */
  readonly then: string
  readonly now: string
}

/** Made by the emulator's faults when the first request has come. */
export const cueOf = (folder: string) => join(folder, 'cue')

/** Two passes of the built program: one under the fault, one after it. */
export async function staged(ground: Ground, { before, during, after }: Staging): Promise<Staged> {
  const { folder, stateDir, env, words } = ground
  const [past, then, now] = ['past', 'then', 'now'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const paths = { STATE: stateDir, PAST: past, THEN: then, NOW: now, CUE: cueOf(folder), OUT: folder }
  await mkdir(then)
  await mkdir(now)
  const script = `
cp -a "$STATE" "$PAST"
${before}
"$@" >"$OUT/made" 2>&1 & pid=$!
${during ? `until [ -e "$CUE" ] || ! kill -0 $pid; do sleep 0.02; done\n${during}` : ''}
wait $pid; echo $?
cp -a "$STATE/." "$THEN"
${after}
"$@" >"$OUT/healed" 2>&1; echo $?
cp -a "$STATE/." "$NOW"`
  const run = await ended([...UNSHARE, '/bin/sh', '-c', script, 'sh', ...words('sync')], { ...env, ...paths })
  const [first, second] = run.stdout.trim().split('\n').map(Number)
  const outcome = async (name: string, code: number | undefined): Promise<Ended> => {
    const file = join(folder, name)
    const stdout = existsSync(file) ? await readFile(file, 'utf8') : ''
    return { code: code ?? null, signal: null, stdout, stderr: run.stderr }
  }
  return { made: await outcome('made', first), healed: await outcome('healed', second), then, now }
}
