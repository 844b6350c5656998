/** The built program, as an operator starts it: its own process, and only the environment it is given. */
import { access } from 'node:fs/promises'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Ended, type Environment, run } from './child.ts'

export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** One result of `--json`; which members it has follows from its outcome. */
export interface Result {
  readonly lineage: string
  readonly outcome: 'uploaded' | 'unchanged' | 'refused' | 'failed' | 'planned'
  readonly because?: string
  readonly certificateId?: string
  readonly reused?: boolean
  readonly requestId?: string
  readonly fingerprint?: string
  readonly leaf?: string
  readonly names?: readonly string[]
  readonly notBefore?: string
  readonly notAfter?: string
  readonly attempts?: number
  readonly supersedes?: string | null
  readonly elapsedMs: number
  readonly fault?: { readonly code: string; readonly retry: string }
}

export interface Report {
  readonly results: readonly Result[]
  readonly summary: Readonly<Record<Result['outcome'], number>>
  readonly exit: number
}

/** No home of the machine's own: a configuration that lies there must not decide a test. */
const BARE: Environment = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', TZ: 'UTC' }

export async function program(args: readonly string[], env: Environment = {}): Promise<Ended> {
  await access(MAIN).catch(cause => {
    throw new Error('dist/main.js is not there: npm run build makes it', { cause })
  })
  return run(execPath, [MAIN, ...args], { ...BARE, ...env })
}

/** The same as one command line, for a client that runs hooks by a shell. */
export const commandLine = (...args: readonly string[]) => [execPath, MAIN, ...args].join(' ')

/** @throws where standard output is anything but one JSON object on one line. */
export function reportOf({ stdout, stderr }: Ended): Report {
  if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`not one JSON object: ${stdout}\n${stderr}`)
  return JSON.parse(stdout) as Report
}
