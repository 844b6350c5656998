/** certferry in this process between a forest of lineages and a service that has a front, on a clock that the test lets pass. */
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { cli } from '../../../src/cli/run.ts'
// loaded before the clock runs: while a module is read, nothing that the clock knows of is under way
import '../../../src/commands/sync.ts'
import '../../../src/commands/watch.ts'
import '../../../src/upload/uploader.ts'
import { type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { recordedWorld, type Surroundings } from '../../fixtures/world.ts'
import { type Front, type FrontOptions, openFront } from './faultInjectingProxy.ts'
import type { Forest } from './lineageFixtures.ts'
import { ACCOUNTS, KEYS, type Ledger, ledgerOf } from './results.ts'

/** Requests a second, of the service as of certferry. */
export const RATE = 10

/** Between two passes, in milliseconds: the pace is a process's own, and the next one knows nothing of it. */
const APART = 1_000

export interface Line extends Readonly<Record<string, unknown>> {
  readonly level: string
  readonly event: string
  readonly msg: string
}

export interface Pass {
  readonly exit: number
  readonly lines: readonly Line[]
  readonly said: (event: string) => readonly Line[]
}

export type Time = Required<Pick<Surroundings, 'wait' | 'monotonic' | 'now'>>

export interface FarWishes extends Omit<FrontOptions, 'service' | 'now'> {
  readonly forest: Forest
  readonly time: Time
  /** Everybody's dice, so that a run can be repeated. */
  readonly dice: () => number
  /** The service's clock, where it is not ours. */
  readonly serviceNow?: () => number
  readonly endpoint?: (port: number) => string
  readonly env?: Readonly<Record<string, string>>
}

export interface Daemon {
  readonly lines: () => readonly Line[]
  readonly end: () => void
  readonly ended: Promise<Pass>
}

export interface FarStage {
  readonly emulator: Emulator
  readonly front: Front
  readonly sync: () => Promise<Pass>
  /** Begins a daemon; resolves, when it is ended, to all it has said. */
  readonly watch: () => Daemon
  readonly ledger: () => Promise<Ledger>
  /** Adds to what is searched for kept things. */
  readonly overheard: (text: string) => void
}

/** What a command is told of where things are; all that it has to say is wanted. */
export const placesOf = (at: {
  readonly forest: Forest
  readonly stateDir: string
  readonly endpoint: string
}) => [
  '--source',
  at.forest.source,
  '--state-dir',
  at.stateDir,
  '--endpoint',
  at.endpoint,
  '--log-level',
  'trace',
]

export const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))

export async function openFarStage({
  forest,
  time,
  dice,
  serviceNow,
  endpoint,
  env,
  ...wishes
}: FarWishes): Promise<FarStage> {
  const stateDir = join(await temporaryDirectory(), 'state')
  const emulator = await startEmulator({ rate: RATE, accounts: ACCOUNTS, now: serviceNow ?? time.now, dice })
  onTestFinished(emulator.close)
  const front = await openFront({ ...wishes, service: emulator.url, now: time.monotonic })
  onTestFinished(front.close)
  const address = endpoint?.(front.port) ?? `http://127.0.0.1:${front.port}`
  const heard: string[] = []

  const begin = (command: string) => {
    const recorded = recordedWorld({ cwd: stateDir, ...time, dice, env: { ...KEYS, ...env } })
    const ended = cli([command, ...placesOf({ forest, stateDir, endpoint: address })], recorded.world).then(
      exit => {
        heard.push(recorded.out(), recorded.err())
        const lines = linesOf(recorded.out())
        return { exit, lines, said: (event: string) => lines.filter(line => line.event === event) }
      },
    )
    return { lines: () => linesOf(recorded.out()), end: recorded.end, ended }
  }
  return {
    emulator,
    front,
    sync: async () => {
      if (heard.length) await time.wait(APART)
      return begin('sync').ended
    },
    watch: () => begin('watch'),
    overheard: text => void heard.push(text),
    ledger: () => ledgerOf({ forest, emulator, stateDir, heard: heard.join('\n') }),
  }
}

/** The most requests that any second holds, wherever it begins. */
export const densest = (arrivals: readonly number[], window = 1_000) =>
  Math.max(0, ...arrivals.map(from => arrivals.filter(at => at >= from && at < from + window).length))
