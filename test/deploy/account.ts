/** A host with one lineage, and an account with resources and a TLS edge, all on one clock that every pause moves on. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import type { CommandLine } from '../../src/config/commandLine.ts'
import type { DeployKeys } from '../../src/config/deploy.ts'
import { resolveSettings } from '../../src/config/settings.ts'
import { replaceAll } from '../../src/deploy/replaceAll.ts'
import { type Edge, type EdgeOptions, startEdge } from '../../src/emulator/edge.ts'
import type { ResourceInput, TrapChoices } from '../../src/emulator/resources.ts'
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts'
import type { ProcessContext } from '../../src/processContext.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import type { ReplacementResult } from '../../src/receipts/replacement.ts'
import { type Lineage, pemLineage } from '../../src/sources/lineage.ts'
import type { Outcome } from '../../src/upload/outcome.ts'
import { syncAll } from '../../src/upload/syncAll.ts'
import { issue, type KeyKind, type Pair } from '../fixtures/certificates.ts'
import { memoryDirectory, temporaryDirectory } from '../fixtures/temporary.ts'
import { KEYS } from '../upload/uploaderFixture.ts'

export const START = Date.UTC(2026, 5, 15, 12)

const DAY = 86_400_000

export interface Host {
  readonly emulator: Emulator
  readonly edge: Edge
  readonly lineage: Lineage
  readonly stateDir: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly pass: (seconds: number) => void
  /** Writes a new certificate, as an ACME client does; it begins now and ends in 90 days. */
  readonly renew: (names?: readonly string[], options?: Renewal) => Promise<Pair>
  readonly write: (pair: Pick<Pair, 'chain' | 'key'>) => Promise<void>
  /** One run of `sync`, in a process of its own as far as memory goes. */
  readonly sync: (options?: RunOptions) => Promise<Outcome>
  /** `certferry replace` and `certferry rollback`. */
  readonly replace: (options?: RunOptions & { readonly force?: boolean }) => Promise<ReplacementResult>
  readonly rollBack: (options?: RunOptions) => Promise<ReplacementResult>
  readonly receipt: (lineage?: string) => Promise<Receipt>
  readonly log: LogLine[]
  readonly actions: () => readonly string[]
}

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly msg: string
  readonly [field: string]: unknown
}

interface Renewal {
  /** Another name is another lineage, with files of its own; default "a". */
  readonly lineage?: string
  readonly kind?: KeyKind
}

interface RunOptions extends Pick<Renewal, 'lineage'> {
  readonly deploy?: DeployKeys
  readonly isHurried?: boolean
  readonly dryRun?: boolean
  /** Seconds after which the run ends. */
  readonly deadline?: number
  /** Called at each pause of so many milliseconds, before the clock moves on. */
  readonly onPause?: (ms: number) => void | Promise<void>
}

export interface HostOptions extends Pick<EmulatorOptions, 'faults' | 'accounts' | 'rate' | 'certificates'> {
  readonly names?: readonly string[]
  readonly resources?: readonly ResourceInput[]
  readonly traps?: TrapChoices
  readonly edge?: EdgeOptions
  readonly deploy?: DeployKeys
}

export const LINE: CommandLine = { operands: [], json: false }

export async function openHost({
  names = ['a.example.com', '*.b.example.com'],
  resources = [],
  traps = {},
  edge: edgeOptions = {},
  deploy = {},
  ...emulatorOptions
}: HostOptions = {}): Promise<Host> {
  let time = START
  const now = () => time
  const pass = (seconds: number) => {
    time += seconds * 1000
  }
  const emulator = await startEmulator({ now, dice: () => 0.5, resources, traps, ...emulatorOptions })
  onTestFinished(emulator.close)
  const edge = await startEdge(emulator, edgeOptions)
  onTestFinished(edge.close)
  const folder = await temporaryDirectory()
  const stateDir = join(await memoryDirectory(), 'state')
  const pathsOf = (name: string) => ({
    chain: join(folder, `${name}-chain.pem`),
    key: join(folder, `${name}-key.pem`),
  })
  const log: LogLine[] = []
  await mkdir(folder, { recursive: true })

  const lineageWith = (keys: DeployKeys, name = 'a'): Lineage => {
    const probes = names.map(name => `${name.replace('*', 'x')}@127.0.0.1:${edge.port}`)
    const table = { replace: true, allow_untrusted: true, verify: probes, ...deploy, ...keys }
    const { forLineage } = resolveSettings({}, {}, { deploy: table } as Parameters<typeof resolveSettings>[2])
    return pemLineage({ kind: 'pem', name, ...pathsOf(name), keys: {} }, forLineage)
  }
  const lineage = lineageWith({})

  /** Work of a process of its own, as far as memory goes. */
  const inProcess = async <T>(
    { deploy: keys = {}, deadline, onPause = () => {}, lineage: name }: RunOptions,
    work: (app: App, lineage: Lineage, endpoint: string) => Promise<T>,
  ): Promise<T> => {
    const end = new AbortController()
    const endsAt = deadline === undefined ? Number.POSITIVE_INFINITY : time + deadline * 1000
    const context: ProcessContext = {
      env: { HOME: folder, ...KEYS },
      cwd: folder,
      home: folder,
      pid: 1,
      program: { node: 'node', main: undefined },
      nodeVersion: 'v24.0.0',
      hasSudo: () => true,
      stdout: {
        write: text => void log.push(JSON.parse(text)),
        ...{ isTerminal: false, isJournal: false, colours: false, columns: 80 },
      },
      stderr: { write: () => {}, isTerminal: false, isJournal: false, colours: false, columns: 80 },
      now,
      monotonicNow: now,
      sleep: async (ms, signal) => {
        await new Promise(resolve => setImmediate(resolve))
        signal?.throwIfAborted()
        await onPause(ms)
        time = Math.min(time + ms, endsAt)
        if (time >= endsAt) end.abort()
        signal?.throwIfAborted()
      },
      random: () => 0.5,
      onSignal: () => {},
      shutdown: new AbortController().signal,
      endWithin: () => end.signal,
    }
    const settings = resolveSettings(
      { endpoint: emulator.url, stateDir, rate: 100, logLevel: 'debug' },
      { CERTFERRY_LOG_FORMAT: 'json' },
      {},
    )
    const app = createApp({ settings, configFile: undefined }, { context, line: LINE, signal: end.signal })
    try {
      return await work(app, lineageWith(keys, name), settings.endpoint.hostname)
    } finally {
      await app.close()
    }
  }
  const sync = (run: RunOptions = {}) =>
    inProcess(run, async (app, own, endpoint) => {
      const { isHurried = false, dryRun = false } = run
      const outcomes = await syncAll([own], app.effects, { force: false, dryRun, endpoint })
      const [outcome] = await replaceAll([own], outcomes, app.replacer, { dryRun, isHurried })
      return outcome as Outcome
    })
  const replace = (run: RunOptions & { readonly force?: boolean } = {}) =>
    inProcess(run, async (app, own) => {
      const { isHurried = false, dryRun = false, force = false } = run
      return (await app.replacer()).replace(own, { isHurried, dryRun, force, isNow: true })
    })
  const rollBack = (run: RunOptions = {}) =>
    inProcess(run, async (app, own) => (await app.replacer()).rollBack(own))
  const receipt = (name = 'a') => inProcess({ lineage: name }, (app, { id }) => app.receipts.recall(id))
  const write = async ({ chain, key }: Pick<Pair, 'chain' | 'key'>, name = 'a') => {
    await writeFile(pathsOf(name).chain, chain)
    await writeFile(pathsOf(name).key, key, { mode: 0o600 })
  }
  const renew = async (wanted = names, { lineage: name = 'a', kind }: Renewal = {}) => {
    // a day later than the one before: no two begin in the same second
    pass(60)
    const pair = await issue({
      names: wanted,
      ...(kind && { kind }),
      notBefore: new Date(time),
      notAfter: new Date(time + 90 * DAY),
    })
    await write(pair, name)
    return pair
  }
  const actions = () => emulator.journal.map(({ action }) => action)
  const account = { emulator, edge, lineage, stateDir, now, pass, renew, write, log, actions }
  return { ...account, sync, replace, rollBack, receipt }
}

/** Ends a run where it pauses after the n-th request of an action from now on, as a crash does. */
export function killAfter(host: Host, action: string, n = 1): Pick<RunOptions, 'onPause'> {
  const isIt = (sent: string) => sent === action
  const before = host.actions().filter(isIt).length
  return {
    onPause: () => {
      if (host.actions().filter(isIt).length >= before + n) throw new Killed()
    },
  }
}

export class Killed extends Error {}
