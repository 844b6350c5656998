/** The program, its lineages, a state directory and a service: a fault is made, repaired by a sync without it, and counted. */
import { readdirSync, writeFileSync } from 'node:fs'
import { chown, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { cli } from '../../../src/cli/run.ts'
import {
  DEMO_CREDENTIALS,
  type Emulator,
  type EmulatorOptions,
  startEmulator,
} from '../../../src/emulator/server.ts'
import { emptyReceipt, type Receipt } from '../../../src/receipts/receipt.ts'
import { sleep } from '../../../src/util/async.ts'
import { type ContextOptions, recordedContext } from '../../fixtures/context.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { putReceipts, receiptsIn } from '../../fixtures/state.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { reportRow } from '../run.ts'
import { type Lineages, writeLineages } from './lineages.ts'
import { type Ended, PROGRAM, run, type Started, start } from './process.ts'

export type Command = 'sync' | 'hook' | 'watch'

/** What the state directory holds before the fault. `each`: the first lineage new, the second renewed, the third with a damaged record. */
export type Earlier = 'none' | 'renewed' | 'damaged' | 'each'

/** What a fault has cost, counted after the repair. */
export interface Damage {
  /** Lineages that are not stored, or whose receipt is not whole and right. */
  readonly lost: readonly string[]
  /** Certificates stored more than once. */
  readonly duplicated: readonly string[]
  readonly leaked: readonly string[]
  /** Files that are not the database, and a database of another user. */
  readonly left: readonly string[]
}

export interface Fixture {
  readonly folder: string
  readonly stateDir: string
  readonly emulator: Emulator
  readonly env: Readonly<Record<string, string>>
  /** The built program, a command, and the options of this fixture. */
  readonly words: (command: Command, ...more: readonly string[]) => readonly string[]
  /** Runs the built program, behind another where `prefix` names one. */
  readonly run: (command: Command, prefix?: readonly string[], ...more: readonly string[]) => Promise<Ended>
  /** Runs sync in this process. */
  readonly sync: (surroundings?: Partial<ContextOptions>, ...more: readonly string[]) => Promise<Ended>
  /** Lineages that the command should have uploaded and has not; of another directory where the state is reached elsewhere. */
  readonly missing: (command: Command, stateDir?: string) => Promise<readonly string[]>
  readonly damage: (runs: readonly Ended[], stateDir?: string) => Promise<Damage>
  readonly close: () => Promise<void>
}

export interface FixtureOptions {
  readonly folder: string
  readonly lineages: Lineages
  readonly earlier?: Earlier
  /** Renewals go on under the fault: which IDs are superseded is not known beforehand. */
  readonly renewing?: boolean
  /** Owner of the state directory; the user of the test where absent. */
  readonly owner?: number
  readonly emulator?: EmulatorOptions
}

/** The ID in every receipt of an earlier certificate. */
const EARLIER_ID = 'EARLIER1'

const earlierReceipt = (lineage: string): Receipt => ({
  ...emptyReceipt(lineage),
  uploaded: {
    certificateId: EARLIER_ID,
    requestId: '',
    fingerprint: 'a'.repeat(64),
    leaf: 'b'.repeat(64),
    names: [],
    notBefore: '2020-01-01T00:00:00.000Z',
    notAfter: '2020-04-01T00:00:00.000Z',
    uploadedAt: '2020-01-02T00:00:00.000Z',
    endpoint: '127.0.0.1',
  },
})

async function writeEarlier(stateDir: string, lineages: Lineages, earlier: Earlier): Promise<void> {
  if (earlier === 'none') return
  const ids = lineages.current().map(({ id }) => id)
  await putReceipts(stateDir, ...ids.slice(earlier === 'each' ? 1 : 0).map(earlierReceipt))
  const file = join(stateDir, 'state.db')
  if (earlier === 'each') {
    const db = new DatabaseSync(file)
    db.prepare("UPDATE lineages SET not_after = 'never' WHERE name = ?").run(ids[2] ?? '')
    db.close()
  }
  if (earlier === 'damaged') writeFileSync(file, 'damaged '.repeat(1_000))
}

/** A database that was set aside. */
const isSetAside = (path: string) => /^state\.db\.damaged-[0-9TZ-]+(-journal|\/.*)?$/.test(path)

export async function openFixture(options: FixtureOptions): Promise<Fixture> {
  const { folder, lineages, earlier = 'each', renewing, owner } = options
  const stateDir = join(folder, 'state')
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  await writeEarlier(stateDir, lineages, earlier)
  if (owner !== undefined)
    for (const name of ['', ...readdirSync(stateDir)]) await chown(join(stateDir, name), owner, owner)
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY, ...options.emulator })
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
    CERTFERRY_STATE_DIR: stateDir,
    CERTFERRY_ENDPOINT: emulator.url,
    RENEWED_LINEAGE: lineages.live,
  }
  const sources = lineages.sources.flatMap(source => ['--source', source])
  const words: Fixture['words'] = (command, ...more) => [
    ...PROGRAM,
    command,
    ...(command === 'hook' ? [] : sources),
    ...more,
  ]
  /** Without receipts' history where that is not known beforehand. */
  const supersededOf = (index: number) =>
    earlier === 'renewed' || (earlier === 'each' && index === 1) ? EARLIER_ID : ''
  const missing: Fixture['missing'] = async (command, dir = stateDir) => {
    const receipts = await receiptsIn(dir)
    const stored = emulator.certificates()
    const isRight = ({ id, leaf, fingerprint }: ReturnType<Lineages['current']>[number], index: number) => {
      const { uploaded, superseded = [] } = receipts.find(({ lineage }) => lineage === id) ?? {}
      return (
        stored.some(one => one.fingerprint === leaf && one.id === uploaded?.certificateId) &&
        uploaded?.leaf === leaf &&
        uploaded.fingerprint === fingerprint &&
        (renewing || superseded.map(({ certificateId }) => certificateId).join() === supersededOf(index))
      )
    }
    const expected = command === 'hook' ? lineages.current().slice(0, 1) : lineages.current()
    return expected.filter((one, index) => !isRight(one, index)).map(({ id }) => id)
  }
  return {
    folder,
    stateDir,
    emulator,
    env,
    words,
    run: (command, prefix = [], ...more) => run([...prefix, ...words(command, ...more)], env),
    sync: async (surroundings = {}, ...more) => {
      const { context, out, err } = recordedContext({ env, cwd: folder, wait: sleep, ...surroundings })
      const code = await cli(words('sync', ...more).slice(PROGRAM.length), context)
      return { code, signal: null, stdout: out(), stderr: err() }
    },
    missing,
    damage: async (runs, dir = stateDir) => {
      const files = await filesIn(dir)
      const { uid } = await stat(dir)
      const texts = [
        ...runs.flatMap(one => [one.stdout, one.stderr]),
        ...files.map(one => one.path + one.text),
      ]
      const stored = emulator.certificates().map(({ fingerprint }) => fingerprint)
      const isStrange = ({ path, owner }: File) =>
        path === 'state.db' || path === 'state.db-journal' ? owner !== uid : !isSetAside(path)
      return {
        lost: await missing('sync', dir),
        duplicated: stored.filter((leaf, i) => stored.indexOf(leaf) < i),
        leaked: leaksIn(texts.join('\n'), {
          keys: lineages.current().map(({ pair }) => pair.key),
          secrets: [DEMO_CREDENTIALS.secretKey],
        }),
        left: (await filesIn(dir)).filter(isStrange).map(({ path }) => path),
      }
    },
    close: emulator.close,
  }
}

/** A folder with lineages, over which each fixture has a folder of its own. */
export async function openMachine(lifetime?: Parameters<typeof writeLineages>[1]) {
  const root = await temporaryDirectory()
  const lineages = await writeLineages(join(root, 'lineages'), lifetime)
  let count = 0
  const open = (options: Partial<FixtureOptions> = {}) =>
    openFixture({ folder: join(root, `${count++}`), lineages, ...options })
  return { root, lineages, open }
}

interface File {
  readonly path: string
  readonly text: string
  readonly owner: number
}

async function filesIn(dir: string): Promise<readonly File[]> {
  const names = await readdir(dir, { recursive: true })
  const files = names.map(async path => {
    const found = await stat(join(dir, path)).catch(() => undefined)
    const text = found?.isFile() ? await readFile(join(dir, path), 'utf8') : ''
    return { path, text, owner: found?.uid ?? 0 }
  })
  return Promise.all(files)
}

/** Adds up what one fault has cost. */
export function openResults(fault: string, how: string) {
  const sums = { runs: 0, lost: 0, duplicated: 0, leaked: 0 }
  const broken: string[] = []
  const fail = (what: string) => void broken.push(what)
  const add = (what: string, { lost, duplicated, leaked, left }: Damage) => {
    sums.runs += 1
    sums.lost += lost.length
    sums.duplicated += duplicated.length
    sums.leaked += leaked.length
    for (const [name, found] of Object.entries({ lost, duplicated, leaked, left }))
      if (found.length) fail(`${what}: ${name} ${found.join(', ')}`)
  }
  return {
    fail,
    add,
    /** After the fault: what it left undone has to show in the exit code, and one sync has to repair it. */
    repair: async (what: string, fixture: Fixture, command: Command, ended: Ended) => {
      const missing = await fixture.missing(command)
      if (ended.code === 0 && missing.length) fail(`${what}: exit 0 without ${missing.join(', ')}`)
      const repaired = await fixture.sync()
      if (repaired.code !== 0) fail(`${what}: the repair ended with ${repaired.code}: ${repaired.stdout}`)
      add(what, await fixture.damage([ended, repaired]))
      await fixture.close()
    },
    report: () => {
      expect(broken).toEqual([])
      reportRow({ fault, how, ...sums })
    },
  }
}

/** A limit for what never comes. */
const POLL = { timeout: 40_000, interval: 50 }

interface Daemon extends Started {
  readonly waitFor: (text: string) => Promise<void>
  readonly stop: () => Promise<Ended>
}

export async function startDaemon(
  fixture: Fixture,
  env: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
): Promise<Daemon> {
  const started = start([...prefix, ...fixture.words('watch')], { ...fixture.env, ...env })
  const waitFor = (text: string) => expect.poll(started.output, POLL).toContain(text)
  await waitFor(' watching: ')
  const stop = () => {
    started.child.kill('SIGTERM')
    return started.ended
  }
  return { ...started, waitFor, stop }
}

/** Waits until every lineage is stored and recorded as it is now. */
export const allUploaded = ({ missing }: Fixture) => expect.poll(() => missing('watch'), POLL).toEqual([])
