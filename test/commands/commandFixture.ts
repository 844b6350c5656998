/** A folder with certbot's and acme.sh's trees, a local SSL API, and certferry's words typed at it. */
import { join } from 'node:path'
import { execPath } from 'node:process'
import { onTestFinished } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { cli } from '../../src/cli/run.ts'
import {
  DEMO_CREDENTIALS,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '../../src/emulator/server.ts'
import type { Ended, Environment } from '../e2e/child.ts'
import { MAIN } from '../e2e/program.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { type ContextOptions, recordedContext } from '../fixtures/context.ts'
import { all, certbotIssue } from '../fixtures/producers.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'

export interface Stage {
  readonly folder: string
  readonly emulator: Emulator
  /** Adds a certbot lineage; resolves to what was issued. */
  readonly certbot: (name: string, pair?: Pair) => Promise<Pair>
  /** Runs a command with the stage's source, state directory, endpoint and credentials. */
  readonly type: (words: readonly string[], surroundings?: Partial<ContextOptions>) => Promise<Run>
}

export interface Run extends ReturnType<typeof recordedContext> {
  readonly exit: number
}

export const KEYS = {
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
}

/** Words typed in a home folder, as a process of their own would take them. */
export async function typeAt(home: string, words: readonly string[], env: Environment = {}): Promise<Ended> {
  const { context, out, err } = recordedContext({
    cwd: home,
    env: { HOME: home, ...env },
    program: { node: execPath, main: MAIN },
  })
  const code = await cli(words, context)
  return { code, stdout: out(), stderr: err() }
}

export async function openStage(options: EmulatorOptions = {}): Promise<Stage> {
  const folder = await temporaryDirectory()
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY, ...options })
  onTestFinished(() => emulator.close())
  const root = join(folder, 'letsencrypt')
  const places = { source: `certbot=${root}`, 'state-dir': join(folder, 'state'), endpoint: emulator.url }
  const placesOf = (command: string) => {
    const { options = {} } = COMMANDS.find(({ name }) => name === command) ?? {}
    return Object.entries(places).flatMap(([name, value]) => (options[name] ? [`--${name}`, value] : []))
  }
  return {
    folder,
    emulator,
    certbot: async (name, pair) => {
      const issued = pair ?? (await issue({ names: [name] }))
      await all(certbotIssue(root, name, issued))
      return issued
    },
    type: async ([command = '', ...rest], surroundings = {}) => {
      const recorded = recordedContext({
        cwd: folder,
        ...surroundings,
        env: { ...KEYS, ...surroundings.env },
      })
      const exit = await cli([command, ...placesOf(command), ...rest], recorded.context)
      return { ...recorded, exit }
    },
  }
}
