/** Eight processes that check the same lineages while these are renewed: a daemon, three that run sync and four that run hooks without end. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { DEMO_CREDENTIALS, type Emulator, startEmulator } from '../../src/emulator/server.ts'
import { issue, leafFingerprint, type Pair } from '../fixtures/certificates.ts'
import {
  acmeIssue,
  acmeRenew,
  certbotIssue,
  certbotLink,
  certbotRenew,
  type Step,
} from '../fixtures/producers.ts'
import type { Ended, Environment } from './child.ts'
import { type Daemon, startWatch } from './daemon.ts'
import { program } from './program.ts'

interface Renewed {
  readonly id: string
  /** What its client passes to the hook. */
  readonly environment: Environment
  /** Its links are moved to an older certificate and back: for that long, a refusal is right. */
  readonly setBack: boolean
  /** SHA-256 of the leaves in the order they were issued; the last is the one on disk in the end. */
  readonly leaves: readonly string[]
  /** The first issuance and what follows, each to its end before the next begins. */
  readonly changes: ReadonlyArray<readonly Step[]>
}

const HOUR = 3_600_000

/** Four certificates of one name, each an hour younger than the one before. */
async function generations(name: string, keepKey: boolean) {
  const begin = Date.now() - 24 * HOUR
  const first = await issue({ names: [name], notBefore: new Date(begin) })
  const next = (hours: number) =>
    issue({
      names: [name],
      notBefore: new Date(begin + hours * HOUR),
      ...(keepKey && { keyPem: first.key }),
    })
  return [first, await next(1), await next(2), await next(3)] as const
}

const leavesOf = (pairs: readonly Pair[]) => pairs.map(({ leaf }) => leafFingerprint(leaf))

async function certbotRenewals(root: string, name: string, setBack: boolean): Promise<Renewed> {
  const pairs = await generations(name, false)
  const [first, second, third, fourth] = pairs
  const link = (version: number) => (setBack ? [certbotLink(root, name, version)] : [])
  return {
    id: `certbot:${name}`,
    environment: { RENEWED_LINEAGE: join(root, 'live', name), RENEWED_DOMAINS: name },
    setBack,
    leaves: leavesOf(pairs),
    changes: [
      certbotIssue(root, name, first),
      certbotRenew(root, name, second),
      ...link(1),
      ...link(2),
      certbotRenew(root, name, third),
      certbotRenew(root, name, fourth),
      ...link(2),
      ...link(4),
    ],
  }
}

async function acmeRenewals(root: string, name: string, rotateKey: boolean): Promise<Renewed> {
  const pairs = await generations(name, !rotateKey)
  const [first, ...others] = pairs
  const folder = join(root, `${name}_ecc`)
  return {
    id: `acme.sh:${name}_ecc`,
    environment: {
      CERT_FULLCHAIN_PATH: join(folder, 'fullchain.cer'),
      CERT_KEY_PATH: join(folder, `${name}.key`),
    },
    setBack: false,
    leaves: leavesOf(pairs),
    changes: [
      acmeIssue(root, name, first),
      ...others.map(pair => acmeRenew(root, name, pair, { rotateKey })),
    ],
  }
}

/** A quarter of each kind. */
async function renewals(count: number, certbot: string, acme: string): Promise<readonly Renewed[]> {
  const made: Renewed[] = []
  for (let i = 0; i < count; i++) {
    const name = `${i}.example.com`
    made.push(
      await (i % 2 ? acmeRenewals(acme, name, i % 4 === 1) : certbotRenewals(certbot, name, i % 4 === 0)),
    )
  }
  return made
}

/**
 * Milliseconds between two changes of a lineage: every second one comes while the one before is still being uploaded, so
 * that two processes have different certificates of one lineage to record.
 */
const pauseAfter = (change: number) => (change % 2 ? 2_000 + Math.random() * 500 : 200 + Math.random() * 800)

/** One change after another; `onRenewed` is called at the end of each, where the client would run its hook. */
async function write({ changes }: Renewed, onRenewed: () => void): Promise<void> {
  for (const [i, steps] of changes.entries()) {
    for (const step of steps) {
      await step.run()
      await setTimeout(Math.random() * 4)
    }
    onRenewed()
    if (i < changes.length - 1) await setTimeout(pauseAfter(i))
  }
}

const SYNCS = 3
const HOOKS = 4
/** Replies leave the service together, so that those who wait for them record at the same moment. In milliseconds. */
const TICK = 1_000
/** The first issuances begin within this time. In milliseconds. */
const START = 500

export interface ConcurrentRuns {
  readonly renewed: readonly Renewed[]
  readonly emulator: Emulator
  readonly stateDir: string
  readonly syncs: readonly Ended[]
  readonly hooks: ReadonlyArray<{ readonly of: Renewed; readonly ended: Ended }>
  /** Ended, with its exit code. */
  readonly daemon: Daemon
  readonly daemonExit: number | null
  /** One sync at the end. */
  readonly last: Ended
}

export async function runConcurrently(root: string, lineages: number): Promise<ConcurrentRuns> {
  const [certbot, acme, stateDir] = [join(root, 'le'), join(root, 'acme'), join(root, 'state')]
  for (const path of [join(certbot, 'live'), acme]) await mkdir(path, { recursive: true })
  const renewed = await renewals(lineages, certbot, acme)
  const faults = () => ({ stall: TICK - (Date.now() % TICK) })
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY, faults })
  const environment = {
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    CERTFERRY_STATE_DIR: stateDir,
    CERTFERRY_ENDPOINT: emulator.url,
  }
  const sources = ['--source', `certbot=${certbot}`, '--source', `acme.sh=${acme}`]
  const sync = () => program(['sync', '--json', '--rate', '200', ...sources], environment)
  const hook = (of: Renewed) => program(['hook'], { ...environment, ...of.environment })
  const daemon = await startWatch(root, emulator.url, ['--rate', '200'])
  const runs = await runWhileRenewed(renewed, sync, hook)
  const daemonExit = await daemon.end()
  return { renewed, emulator, stateDir, ...runs, daemon, daemonExit, last: await sync() }
}

/** Hooks are for lineages just renewed or, where there is none, for any that is issued. */
async function runWhileRenewed(
  renewed: readonly Renewed[],
  sync: () => Promise<Ended>,
  hook: (of: Renewed) => Promise<Ended>,
): Promise<Pick<ConcurrentRuns, 'syncs' | 'hooks'>> {
  const syncs: Ended[] = []
  const hooks: Array<{ of: Renewed; ended: Ended }> = []
  const waiting: Renewed[] = []
  const issued: Renewed[] = []
  let over = false
  const runSyncs = async () => {
    while (!over) syncs.push(await sync())
  }
  const runHooks = async () => {
    while (!over) {
      const of = waiting.shift() ?? issued[Math.floor(Math.random() * issued.length)]
      if (of) hooks.push({ of, ended: await hook(of) })
      else await setTimeout(10)
    }
  }
  const processes = [...Array.from({ length: SYNCS }, runSyncs), ...Array.from({ length: HOOKS }, runHooks)]
  const written = renewed.map(async one => {
    await setTimeout(Math.random() * START)
    await write(one, () => {
      waiting.push(one)
      issued.push(one)
    })
  })
  await Promise.all(written).finally(() => {
    over = true
  })
  await Promise.all(processes)
  return { syncs, hooks }
}
