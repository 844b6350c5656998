/** A process for commands to run in: what they print is kept, what they are given is the test's. */
import { setImmediate } from 'node:timers/promises'
import type { Output, ProcessContext } from '../../src/processContext.ts'

/** What `sync --json` and `hook --json` print, as other programs would write it down. */
export interface PassJson {
  readonly results: ReadonlyArray<
    Readonly<Record<string, unknown>> & { readonly fault?: Readonly<Record<string, unknown>> }
  >
  readonly summary: Readonly<Record<string, number>>
  readonly exit: number
  readonly fault?: Readonly<Record<string, unknown>>
}

export interface RecordedWorld {
  readonly world: ProcessContext
  readonly out: () => string
  readonly err: () => string
  /** The only object on standard output; throws where there is none or more than one. */
  readonly json: <T = PassJson>() => T
  /** SIGTERM. */
  readonly end: () => void
  readonly signal: (name: 'SIGHUP' | 'SIGUSR1') => void
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly program?: ProcessContext['program']
  readonly terminal?: boolean
  readonly colours?: boolean
  /** How time passes. Waits are over at once unless the test says otherwise: the clock that never steps jumps ahead. */
  readonly wait?: ProcessContext['sleep']
  readonly monotonic?: ProcessContext['monotonicNow']
  /** Milliseconds since 1970; the real clock where absent, for file times are real too. */
  readonly now?: () => number
  readonly dice?: () => number
}

function hurried({ wait, monotonic }: Pick<Surroundings, 'wait' | 'monotonic'>) {
  let ahead = 0
  const jump = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    ahead += ms
    await setImmediate()
  }
  return { sleep: wait ?? jump, monotonicNow: monotonic ?? (() => performance.now() + ahead) }
}

export function recordedWorld({
  env = {},
  cwd,
  program = { node: '/opt/certferry/bin/node', main: '/opt/certferry/dist/main.js' },
  terminal = false,
  colours = false,
  now = Date.now,
  dice = Math.random,
  ...passing
}: Surroundings): RecordedWorld {
  const printed = { out: '', err: '' }
  const ending = new AbortController()
  const calls = new Map<string, () => void>()
  const output = (name: 'out' | 'err'): Output => ({
    write: text => {
      printed[name] += text
    },
    isTerminal: terminal,
    isJournal: false,
    colours,
    columns: 80,
  })
  return {
    world: {
      env,
      cwd,
      home: cwd,
      program,
      nodeVersion: '24.0.0',
      pid: 1,
      onSignal: (name, call) => void calls.set(name, call),
      stdout: output('out'),
      stderr: output('err'),
      now,
      random: dice,
      shutdown: ending.signal,
      endWithin: seconds => AbortSignal.timeout(seconds * 1000),
      closeDebugger: async () => {},
      ...hurried(passing),
    },
    out: () => printed.out,
    err: () => printed.err,
    json: () => JSON.parse(printed.out),
    end: () => ending.abort('SIGTERM'),
    signal: name => calls.get(name)?.(),
  }
}
