/** Lineages, a service behind a proxy that injects faults, and the program between them, on a clock that the test controls. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { cli } from '../../../src/cli/run.ts'
// loaded before the clock runs: it does not see that a module is being read
import '../../../src/commands/sync.ts'
import '../../../src/commands/watch.ts'
import '../../../src/upload/uploader.ts'
import { type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { issue, leafFingerprint, type Pair } from '../../fixtures/certificates.ts'
import { type ContextOptions, recordedContext } from '../../fixtures/context.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { all, certbotIssue } from '../../fixtures/producers.ts'
import { receiptsIn } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { LONG, type Row, reportRow, sample } from '../run.ts'
import { type FaultInjectingProxy, type ProxyOptions, startProxy } from './faultInjectingProxy.ts'
import type { ServiceFault } from './faults.ts'

export { startIdleClock } from '../../fixtures/idleClock.ts'

export interface CertbotLineages {
  /** As --source takes it. */
  readonly source: string
  readonly root: string
  readonly names: readonly string[]
  /** SHA-256 of each leaf, by which the emulator identifies certificates. */
  readonly leaves: readonly string[]
  readonly keys: readonly string[]
}

/** To be called once for a test file: issuing takes longer than uploading. */
export async function issueLineages(count: number): Promise<CertbotLineages> {
  const root = join(await temporaryDirectory(), 'letsencrypt')
  const names = Array.from({ length: count }, (_, i) => `host${i}.example`)
  const pairs: Pair[] = []
  for (const name of names) {
    const pair = await issue({ names: [name] })
    await all(certbotIssue(root, name, pair))
    pairs.push(pair)
  }
  const keys = pairs.map(({ key }) => key)
  return {
    source: `certbot=${root}`,
    root,
    names,
    leaves: pairs.map(({ leaf }) => leafFingerprint(leaf)),
    keys,
  }
}

const SECRET_KEY = 'sk-5d0c1e-secret-of-the-service-tests'
const TOKEN = 'tk-a81f77-token-of-the-service-tests'
export const ACCOUNTS = { tester: { secretKey: SECRET_KEY, token: TOKEN } }
export const KEYS = {
  TENCENTCLOUD_SECRET_ID: 'tester',
  TENCENTCLOUD_SECRET_KEY: SECRET_KEY,
  // the tests read its lines
  CERTFERRY_LOG_FORMAT: 'json',
  TENCENTCLOUD_TOKEN: TOKEN,
}

type Results = Pick<Row, 'lost' | 'duplicated' | 'leaked'>

/** Counts what a run has lost, duplicated and leaked. `text`: all output at the most verbose level, and all that others received. */
export async function resultsOf(run: {
  readonly lineages: CertbotLineages
  readonly emulator: Emulator
  readonly stateDir: string
  readonly text: string
}): Promise<Results> {
  const { lineages, emulator, stateDir, text } = run
  const stored = emulator.certificates()
  const receipts = new Map((await receiptsIn(stateDir)).map(one => [one.lineage, one]))
  const lost = lineages.names.filter((name, i) => {
    const id = stored.find(({ fingerprint }) => fingerprint === lineages.leaves[i])?.id
    return id === undefined || receipts.get(`certbot:${name}`)?.uploaded?.certificateId !== id
  })
  const files = await readdir(stateDir).catch(() => [])
  const contents = await Promise.all(files.map(file => readFile(join(stateDir, file), 'latin1')))
  const everything = [text, ...contents].join('\n')
  expect(everything.length).toBeGreaterThan(200)
  return {
    lost: lost.length,
    duplicated: stored.length - new Set(stored.map(({ fingerprint }) => fingerprint)).size,
    leaked: leaksIn(everything, { keys: lineages.keys, secrets: [SECRET_KEY, TOKEN] }).length,
  }
}

/** Repeats a run and adds up its results. */
export async function sumResults(times: number, run: () => Promise<Results>): Promise<Results> {
  const sum = { lost: 0, duplicated: 0, leaked: 0 }
  for (let i = 0; i < times; i++) {
    const { lost, duplicated, leaked } = await run()
    sum.lost += lost
    sum.duplicated += duplicated
    sum.leaked += leaked
  }
  return sum
}

/** Requests a second, of the service as of certferry. */
export const RATE = 10

/** Between two runs, in milliseconds: the rate limiter belongs to a process, and the next one starts anew. */
const PAUSE = 1_000

export interface Line extends Readonly<Record<string, unknown>> {
  readonly level: string
  readonly event: string
  readonly msg: string
}

export interface Run {
  readonly exit: number
  readonly lines: readonly Line[]
  readonly events: (name: string) => readonly Line[]
}

type Time = Required<Pick<ContextOptions, 'wait' | 'monotonic' | 'now'>>

export interface ServiceOptions extends Omit<ProxyOptions, 'service' | 'now'> {
  readonly lineages: CertbotLineages
  readonly time: Time
  readonly random: () => number
  /** The clock of the service, where it is another. */
  readonly serviceNow?: () => number
  readonly endpoint?: (port: number) => string
  readonly env?: Readonly<Record<string, string>>
}

interface ServiceFixture {
  readonly emulator: Emulator
  readonly proxy: FaultInjectingProxy
  readonly sync: () => Promise<Run>
  readonly watch: () => {
    readonly lines: () => readonly Line[]
    readonly end: () => void
    readonly ended: Promise<Run>
  }
  readonly results: () => Promise<Results>
  /** Adds to the text that is searched for secrets. */
  readonly addText: (text: string) => void
}

/** Options of a command, with all of its log. */
export const optionsFor = (at: {
  readonly lineages: CertbotLineages
  readonly stateDir: string
  readonly endpoint: string
}) => [
  ...['--source', at.lineages.source, '--state-dir', at.stateDir],
  ...['--endpoint', at.endpoint, '--log-level', 'trace'],
]

export const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))

export async function openServiceFixture(options: ServiceOptions): Promise<ServiceFixture> {
  const { lineages, time, random, serviceNow = time.now, endpoint, env, ...proxyOptions } = options
  const stateDir = join(await temporaryDirectory(), 'state')
  const emulator = await startEmulator({ rate: RATE, accounts: ACCOUNTS, now: serviceNow, dice: random })
  onTestFinished(emulator.close)
  const proxy = await startProxy({ ...proxyOptions, service: emulator.url, now: time.monotonic })
  onTestFinished(proxy.close)
  const address = endpoint?.(proxy.port) ?? `http://127.0.0.1:${proxy.port}`
  const texts: string[] = []

  const begin = (command: string) => {
    const { context, out, err, end } = recordedContext({
      cwd: stateDir,
      ...time,
      dice: random,
      env: { ...KEYS, ...env },
    })
    const ended = cli([command, ...optionsFor({ lineages, stateDir, endpoint: address })], context).then(
      exit => {
        texts.push(out(), err())
        const lines = linesOf(out())
        return { exit, lines, events: (name: string) => lines.filter(({ event }) => event === name) }
      },
    )
    return { lines: () => linesOf(out()), end, ended }
  }
  return {
    emulator,
    proxy,
    sync: async () => {
      if (texts.length) await time.wait(PAUSE)
      return begin('sync').ended
    },
    watch: () => begin('watch'),
    addText: text => void texts.push(text),
    results: () => resultsOf({ lineages, emulator, stateDir, text: texts.join('\n') }),
  }
}

/** The most requests that any second holds, wherever it begins. */
export const mostInASecond = (arrivals: readonly number[], window = 1_000) =>
  Math.max(0, ...arrivals.map(from => arrivals.filter(at => at >= from && at < from + window).length))

/** Every line about the fault has its code, and says what to do. */
export function expectLogged(
  lines: readonly Line[],
  { code, apiCode }: Pick<ServiceFault, 'code' | 'apiCode'>,
): void {
  for (const line of lines.filter(({ event }) => event === 'retry' || event === 'failed')) {
    expect(line).toMatchObject({ code, advice: expect.stringMatching(/^[A-Z].+\.$/) })
    if (apiCode) expect(line).toMatchObject({ apiCode, msg: expect.stringContaining(apiCode) })
  }
}

/** All faults in a long run, some in a short one. */
export const chosen = <T>(faults: readonly T[], random: () => number, count = 3): readonly T[] =>
  LONG ? faults : sample(faults, count, random)

export const reportResults = (
  { fault, how }: Pick<Row, 'fault' | 'how'>,
  runs: number,
  { lost, duplicated, leaked }: Results,
) => reportRow({ fault, how, runs, lost, duplicated, leaked })
