/** A state directory, a service and the program over planted trees: where a fault is made, healed and accounted for. */
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cli } from '../../../src/cli/run.ts'
import {
  DEMO_CREDENTIALS,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '../../../src/emulator/server.ts'
import { sleep } from '../../../src/util/async.ts'
import { recordedWorld, type Surroundings } from '../../fixtures/world.ts'
import { type Ended, ended, PROGRAM } from './child.ts'
import { type Account, accountOf, missingIn } from './costs.ts'
import { type Past, putPast } from './earlierState.ts'
import type { Trees } from './trees.ts'

export type Command = 'sync' | 'hook' | 'watch'

export interface Ground {
  readonly folder: string
  readonly stateDir: string
  readonly emulator: Emulator
  readonly env: Readonly<Record<string, string>>
  /** The built program, a command, and this ground's options, to be started in whatever way. */
  readonly words: (command: Command, ...more: readonly string[]) => readonly string[]
  /** Runs the built program to its end. */
  readonly run: (command: Command, ...more: readonly string[]) => Promise<Ended>
  /** One pass in this process; without any fault where the surroundings have none. */
  readonly pass: (surroundings?: Partial<Surroundings>) => Promise<Ended>
  /** Lineages not carried yet that the command is there for; of another directory where the state is reached elsewhere. */
  readonly undone: (command: Command, stateDir?: string) => Promise<readonly string[]>
  readonly account: (runs: readonly Ended[], stateDir?: string) => Promise<Account>
  readonly close: () => Promise<void>
}

export interface Wishes {
  /** Its own. */
  readonly folder: string
  readonly trees: Trees
  readonly past?: Past
  /** Renewals go on under the fault: which of them are superseded is not known beforehand. */
  readonly renewing?: boolean
  /** Who owns the state directory, where it is not whoever runs the test. */
  readonly owner?: number
  readonly emulator?: EmulatorOptions
}

export async function openGround(wishes: Wishes): Promise<Ground> {
  const { folder, trees, past = 'each', owner, emulator: options } = wishes
  const stateDir = join(folder, 'state')
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  await putPast(stateDir, trees, past, owner)
  if (owner !== undefined) await chown(stateDir, owner, owner)
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY, ...options })
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    CERTFERRY_STATE_DIR: stateDir,
    CERTFERRY_ENDPOINT: emulator.url,
    RENEWED_LINEAGE: trees.live,
  }
  const sources = trees.sources.flatMap(source => ['--source', source])
  const words: Ground['words'] = (command, ...more) => [
    ...PROGRAM,
    command,
    ...(command === 'hook' ? [] : sources),
    ...more,
  ]
  const books = (dir = stateDir) => ({
    stateDir: dir,
    emulator,
    trees,
    past: wishes.renewing ? undefined : past,
  })
  return {
    folder,
    stateDir,
    emulator,
    env,
    words,
    run: (command, ...more) => ended(words(command, ...more), env),
    pass: async (surroundings = {}) => {
      const { world, out, err } = recordedWorld({ env, cwd: folder, wait: sleep, ...surroundings })
      const code = await cli(words('sync').slice(PROGRAM.length), world)
      return { code, signal: null, stdout: out(), stderr: err() }
    },
    undone: async (command, dir) => {
      const missing = await missingIn(books(dir))
      return command === 'hook' ? missing.filter(id => id === trees.planted()[0]?.id) : missing
    },
    account: (runs, dir) =>
      accountOf(
        books(dir),
        runs.flatMap(({ stdout, stderr }) => [stdout, stderr]),
      ),
    close: emulator.close,
  }
}
