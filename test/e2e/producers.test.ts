/**
 * Real ACME clients under strace: what they do to their folders is what test/fixtures/recordings keeps, and left anywhere
 * in it, with the certificates they got, nothing mixed is uploaded. `vitest -u` keeps what a newer client does.
 */
import { readFileSync } from 'node:fs'
import { stderr } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveSettings } from '../../src/config/settings.ts'
import { readTextFile } from '../../src/files/readFile.ts'
import { discoverLineages } from '../../src/sources/discover.ts'
import { certificatesIn, identityOf } from '../fixtures/identity.ts'
import { everyPrefix } from '../fixtures/prefixes.ts'
import { type Contents, recordedSteps, sourceOf } from '../fixtures/recorded.ts'
import { type Act, type Client, fileOf, RECORDED, textOf } from '../fixtures/recording.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { openStand, whyNot } from './acmeClients.ts'
import { type Ended, run, SYSTEM_PATH } from './child.ts'
import { type Pebble, startPebble } from './pebble.ts'
import { openNamer, recorded, type Scene } from './recorder.ts'
import { openTracer } from './strace.ts'
import { openVirtualDisk } from './tracedDisk.ts'

const { uploadOf } = resolveSettings({}, {}, {})

/** Two runs under strace, on a machine that has other things to do. */
const PATIENT = { timeout: 600_000 }

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
  // said aloud, for a skipped test is easily taken for a passed one
  if (why) stderr.write(`${client}: not recorded, ${why}\n`)

  test.skipIf(why)('does what was kept of it, and may be stopped anywhere', PATIENT, async () => {
    const seen = await watched(client)
    expect(seen.astray).toEqual([])
    await expect(seen.text).toMatchFileSnapshot(fileOf(client).pathname)

    const root = await temporaryDirectory()
    const place = { root, name: seen.scene.name }
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

/** One issuance and one renewal: what was done, what came of it, and where the account of it is wrong. */
async function watched(client: Client) {
  const directory = await temporaryDirectory()
  const tracer = openTracer(directory)
  const { scene, issue, renew, close } = await openStand(client, { directory, pebble, runner: tracer.run })
  const disk = openVirtualDisk(process.cwd(), scene.root)
  const namer = openNamer(scene)
  const generation = async (ended: Promise<Ended>): Promise<Generation> => {
    const { code, stdout, stderr } = await ended
    expect(code, stdout + stderr).toBe(0)
    const acts = recorded(disk.follow(await tracer.take()), scene, namer)
    return { acts, pair: await pairOf(client, scene) }
  }
  try {
    const first = await generation(issue())
    const second = await generation(renew())
    const keepsKey = first.pair.key === second.pair.key
    return {
      scene,
      generations: [first, second] as const,
      text: textOf({ issuance: first.acts, renewal: second.acts, keepsKey }),
      astray: astray(disk.files, scene),
    }
  } finally {
    await close()
  }
}

/** Files of which the account says something else than the disk. */
const astray = (files: ReadonlyMap<string, string>, { root }: Scene) =>
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
  (await discoverLineages([sourceOf(client, place)], uploadOf)).lineages[0]

async function pairOf(client: Client, scene: Scene): Promise<Contents> {
  const lineage = await lineageOf(client, scene)
  const [chain, key] = await Promise.all([lineage?.chain, lineage?.key].map(path => readTextFile(path ?? '')))
  const text = chain?.text ?? ''
  const end = text.indexOf('-----END CERTIFICATE-----') + '-----END CERTIFICATE-----\n'.length
  expect(certificatesIn(text).length).toBeGreaterThan(1)
  return { chain: text, key: key?.text ?? '', leaf: text.slice(0, end), intermediate: text.slice(end) }
}
