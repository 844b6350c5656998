/** A host with a renewed certificate and an account whose resources use the older one: for faults during a replacement. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { type Edge, startEdge } from '../../../src/emulator/edge.ts'
import type { ResourceInput, TrapChoices } from '../../../src/emulator/resources.ts'
import {
  DEMO_CREDENTIALS,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '../../../src/emulator/server.ts'
import { emptyReceipt, type Receipt, type Superseded } from '../../../src/receipts/receipt.ts'
import { MAIN } from '../../e2e/program.ts'
import { issue, leafFingerprint, type Pair } from '../../fixtures/certificates.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { QUICK_CLOCK, quickClock, quickTime } from '../../fixtures/quickClock.ts'
import { putReceipts, receiptsIn } from '../../fixtures/state.ts'
import type { Ended } from './process.ts'

const DAY = 86_400_000

const NAME = 'a.example.com'

/** Has two resources of the current certificate, of which one fails at first, and one of an expired older one. */
const RESOURCES: readonly ResourceInput[] = [
  { name: 'cdn', type: 'cdn', domains: [NAME], certId: 'current0', fail: { times: 1, message: 'busy' } },
  {
    ...{ name: 'clb', type: 'clb', region: 'ap-guangzhou', instance: 'lb-1', listener: 'lbl-1' },
    ...{ domains: [NAME], certId: 'current0' },
  },
  { name: 'held', type: 'teo', domains: [NAME], certId: 'expired1' },
]

export interface ReplacementHost {
  readonly folder: string
  readonly stateDir: string
  readonly emulator: Emulator
  readonly edge: Edge
  readonly env: Readonly<Record<string, string>>
  /** A run of the built program whose minutes pass in a second. */
  readonly words: (...command: readonly string[]) => readonly string[]
  /** Everything that is not as it has to be at the end. */
  readonly flaws: (runs: readonly Ended[]) => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

export interface ReplacementOptions extends Pick<EmulatorOptions, 'faults' | 'onRequest'> {
  readonly folder: string
  readonly traps?: TrapChoices
  /** Asks the edge. */
  readonly verify?: boolean
  /** How much faster time passes. */
  readonly speed?: number
}

interface Pairs {
  readonly expired0: Pair
  readonly expired1: Pair
  readonly current0: Pair
  readonly renewed: Pair
}

let issued: Promise<Pairs> | undefined

/** The same for all hosts of a test. */
async function issueAll(): Promise<Pairs> {
  const now = Date.now()
  const begun = (days: number) =>
    issue({
      names: [NAME],
      notBefore: new Date(now - days * DAY),
      notAfter: new Date(now + (90 - days) * DAY),
    })
  return {
    expired0: await begun(200),
    expired1: await begun(140),
    current0: await begun(60),
    renewed: await begun(1),
  }
}

const superseded = (certificateId: string, { leaf, notBefore, notAfter }: Pair): Superseded => ({
  ...{
    certificateId,
    fingerprint: leafFingerprint(leaf),
    leaf: leafFingerprint(leaf),
    endpoint: '127.0.0.1',
  },
  ...{ notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString(), reused: false },
  uploadedAt: notBefore.toISOString(),
  supersededAt: new Date(notAfter.getTime() - 30 * DAY).toISOString(),
})

/** As earlier runs left it: two older certificates, of which one still has a resource that is not to be replaced. */
function earlier({ expired0, expired1, current0 }: Pairs): Receipt {
  const { supersededAt: _, ...uploaded } = superseded('current0', current0)
  return {
    ...emptyReceipt('pem:a'),
    uploaded: {
      ...uploaded,
      endpoint: '127.0.0.1',
      leaf: leafFingerprint(current0.leaf),
      requestId: '',
      names: [NAME],
      notBefore: current0.notBefore.toISOString(),
    },
    superseded: [superseded('expired1', expired1), superseded('expired0', expired0)],
  }
}

export async function openReplacementHost(options: ReplacementOptions): Promise<ReplacementHost> {
  const { folder, traps = {}, verify = true, faults, onRequest, speed } = options
  issued ??= issueAll()
  const pairs = await issued
  const stateDir = join(folder, 'state')
  await mkdir(folder, { recursive: true })
  await mkdir(stateDir, { mode: 0o700 })
  await putReceipts(stateDir, earlier(pairs))
  const clock = quickClock(speed)
  const emulator = await startEmulator({
    ...{ now: quickTime(clock), rate: Number.POSITIVE_INFINITY, traps, resources: RESOURCES },
    certificates: (['expired0', 'expired1', 'current0'] as const).map(id => {
      const { chain, key } = pairs[id]
      return { id, chain, key }
    }),
    ...(faults && { faults }),
    ...(onRequest && { onRequest }),
  })
  const edge = await startEdge(emulator)
  const { chain, key } = pairs.renewed
  await writeFile(join(folder, 'chain.pem'), chain)
  await writeFile(join(folder, 'key.pem'), key, { mode: 0o600 })
  const config = join(folder, 'config.toml')
  await writeFile(config, configText(folder, verify ? `["${NAME}@127.0.0.1:${edge.port}"]` : 'false'))
  const env = {
    ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent', QUICK_CLOCK: JSON.stringify(clock) },
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    ...{ CERTFERRY_STATE_DIR: stateDir, CERTFERRY_ENDPOINT: emulator.url },
  }
  const host = {
    ...{ folder, stateDir, emulator, edge, env },
    words: (...command: readonly string[]) => [
      ...[execPath, '--import', QUICK_CLOCK, MAIN, ...command],
      ...['--config', config],
    ],
  }
  return {
    ...host,
    flaws: runs => flawsOf(host, pairs, runs, verify),
    close: async () => {
      await edge.close()
      await emulator.close()
    },
  }
}

const configText = (folder: string, verify: string) => `
[deploy]
replace = true
allow_untrusted = true
except = ["teo"]
retire = "delete"
verify = ${verify}

[[source]]
kind = "pem"
name = "a"
chain = "${folder}/chain.pem"
key = "${folder}/key.pem"
`

async function flawsOf(
  { emulator, stateDir }: Pick<ReplacementHost, 'emulator' | 'stateDir'>,
  { renewed }: Pairs,
  runs: readonly Ended[],
  verify: boolean,
): Promise<readonly string[]> {
  const [receipt] = await receiptsIn(stateDir)
  const stored = emulator.certificates()
  const to = stored.find(({ fingerprint }) => fingerprint === leafFingerprint(renewed.leaf))?.id
  const seen = {
    bound: Object.fromEntries(emulator.resources().map(({ name, certId }) => [name, certId])),
    // the last is never deleted, one that is used is not, and without a proof that the new one serves none is
    stored: stored.map(({ id }) => id).sort(),
    pairs: [...new Set(emulator.jobs().map(({ oldCertId, certId }) => `${oldCertId} ${certId}`))],
    // a record that ended while no run followed it may leave the failed resource to another one
    switched: emulator
      .jobs()
      .flatMap(({ statuses }) => Object.entries(statuses))
      .flatMap(([name, status]) => (status === 1 ? [name] : []))
      .sort(),
    uploaded: receipt?.uploaded?.certificateId,
    state: receipt?.replacement?.state,
    unchecked: emulator.journal.filter(
      ({ action, body }) => action === 'DeleteCertificate' && body?.IsCheckResource !== true,
    ).length,
    leaked: leaksIn(runs.map(({ stdout, stderr }) => stdout + stderr).join('\n'), {
      keys: [renewed.key],
      secrets: [DEMO_CREDENTIALS.secretKey],
    }),
  }
  const expected = {
    bound: { cdn: to, clb: to, held: 'expired1' },
    stored: ['current0', 'expired1', ...(verify ? [] : ['expired0']), to].sort(),
    pairs: [`current0 ${to}`],
    switched: ['cdn', 'clb'],
    uploaded: to,
    state: verify ? 'verified' : 'replaced',
    unchecked: 0,
    leaked: [],
  }
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const found = JSON.stringify(seen[name as keyof typeof seen])
    return found === JSON.stringify(wanted) ? [] : `${name} is ${found}, not ${JSON.stringify(wanted)}`
  })
}
