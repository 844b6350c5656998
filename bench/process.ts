/** A whole process, from its start to its end: what it took in time, processor time and memory. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Program } from './programs.ts'

export interface Usage {
  /** Milliseconds. */
  readonly wall: number
  /** Milliseconds of the processor, user and system, all threads. */
  readonly cpu: number
  /** MiB, the peak of what was resident. */
  readonly memory: number
}

export type Environment = Readonly<Record<string, string>>

export interface Asked {
  readonly env?: Environment
  readonly exit?: number
}

const MEASURE = resolve(import.meta.dirname, 'measure.pl')

/** No home and no configuration of the machine's own: they must not decide a figure. */
export const BARE: Environment = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TZ: 'UTC' }

/** @throws where it ends with another code than it is asked to. */
export async function used(program: Program, { env = {}, exit = 0 }: Asked = {}): Promise<Usage> {
  const child = spawn('perl', [MEASURE, ...program], {
    env: { ...BARE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  await once(child, 'close')
  const [wall = 0, cpu = 0, peak = 0, code] = said.stdout.split(' ').map(Number)
  if (code !== exit) throw new Error(`${program.join(' ')}: exit ${code}, not ${exit}\n${said.stderr}`)
  return { wall, cpu, memory: peak / 1024 }
}
