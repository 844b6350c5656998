/**
 * Real ACME clients under strace: they write as test/fixtures/recordings says, and wherever they stop, no mixed pair is
 * uploaded. `vitest -u` records what a newer client does.
 */
import { readFileSync } from 'node:fs'
import { stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveSettings } from '../../src/config/settings.ts'
import { readTextFile } from '../../src/files/readFile.ts'
import { discoverLineages } from '../../src/sources/discover.ts'
import { certificatesIn, identityOf } from '../fixtures/identity.ts'
import { everyPrefix } from '../fixtures/prefixes.ts'
import {
  type Act,
  type Client,
  type Contents,
  fileOf,
  RECORDED,
  recordedSteps,
  sourceOf,
  textOf,
} from '../fixtures/recording.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openClient, whyNot } from './acmeClients.ts'
import { type Ended, run, SYSTEM_PATH } from './child.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { openNamer, recorded, type Scope } from './recorder.ts'
import { openTracer, openVirtualDisk } from './strace.ts'

const { forLineage } = resolveSettings({}, {}, {})

/** Two runs under strace, on a busy machine. */
const SLOW = { timeout: 600_000 }

const noStrace = await run('strace', ['--version'], { PATH: SYSTEM_PATH }).then(
  ({ code }) => (code === 0 ? undefined : 'strace does not run'),
  () => 'there is no strace',
)

let pebble: Pebble

beforeAll(async () => {
  pebble = await startPebble()
})

afterAll(() => pebble?.close())

describe.each(RECORDED)('%s', client => {
  const why = noStrace ?? whyNot(client)
  // printed: a skipped test is easily taken for a passed one
  if (why) stderr.write(`${client}: not recorded, ${why}\n`)

  test.skipIf(why)('writes as it was recorded, and may be stopped anywhere', SLOW, async () => {
    const seen = await record(client)
    expect(seen.wrong).toEqual([])
    await expect(seen.text).toMatchFileSnapshot(fileOf(client).pathname)

    const root = await temporaryDirectory()
    const place = { root, name: seen.scope.name }
    const [first, second] = seen.generations
    const steps = ({ acts, pair }: Generation) => ({ pair, steps: recordedSteps(acts, place, pair) })
    const { prefixes, pending, sent, ...tally } = await everyPrefix({
      generations: [steps(first), steps(second)],
      find: () => lineageOf(client, place),
    })
    stderr.write(`${client}: ${prefixes} prefixes, half-way at ${pending}\n`)
    expect(tally).toEqual({ broken: [], lost: 0, duplicated: 0, leaked: 0 })
    expect(sent).toEqual(expect.arrayContaining(seen.generations.map(({ pair }) => identityOf(pair))))
  })
})

interface Generation {
  readonly acts: readonly Act[]
  readonly pair: Contents
}

/** One issuance and one renewal: the changes, their results, and the files of which the recording is wrong. */
async function record(client: Client) {
  const directory = await temporaryDirectory()
  const tracer = openTracer(directory)
  const { scope, issue, renew, close } = await openClient(client, { directory, pebble, runner: tracer.run })
  const disk = openVirtualDisk(process.cwd(), scope.root)
  const namer = openNamer(scope)
  const generation = async (ended: Promise<Ended>): Promise<Generation> => {
    const { code, stdout, stderr } = await ended
    expect(code, stdout + stderr).toBe(0)
    const acts = recorded(disk.follow(await tracer.take()), scope, namer)
    return { acts, pair: await pairOf(client, scope) }
  }
  try {
    const first = await generation(issue())
    const second = await generation(renew())
    const keepsKey = first.pair.key === second.pair.key
    return {
      scope,
      generations: [first, second] as const,
      text: textOf({ issuance: first.acts, renewal: second.acts, keepsKey }),
      wrong: wrongFiles(disk.files, scope),
    }
  } finally {
    await close()
  }
}

/** Files whose recorded contents differ from the disk. */
const wrongFiles = (files: ReadonlyMap<string, string>, { root }: Scope) =>
  [...files]
    .filter(([path, text]) => path.startsWith(`${root}/`) && text !== read(path))
    .map(([path]) => path)

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

const lineageOf = async (client: Client, place: { readonly root: string; readonly name: string }) =>
  (await discoverLineages([sourceOf(client, place)], forLineage)).lineages[0]

async function pairOf(client: Client, scope: Scope): Promise<Contents> {
  const lineage = await lineageOf(client, scope)
  const [chain, key] = await Promise.all([lineage?.chain, lineage?.key].map(path => readTextFile(path ?? '')))
  const text = chain?.text ?? ''
  const end = text.indexOf('-----END CERTIFICATE-----') + '-----END CERTIFICATE-----\n'.length
  expect(certificatesIn(text).length).toBeGreaterThan(1)
  return { chain: text, key: key?.text ?? '', leaf: text.slice(0, end), intermediate: text.slice(end) }
}
