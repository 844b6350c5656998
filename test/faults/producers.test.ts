/** ACME clients stopped anywhere in their writing: what they leave is never uploaded as a mixed pair, and is reported as pending. */
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { resolveSettings, type Source } from '../../src/config/settings.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import { discoverLineages } from '../../src/sources/discover.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { issue, type Pair } from '../fixtures/certificates.ts'
import { recordedContext } from '../fixtures/context.ts'
import { identityOf } from '../fixtures/identity.ts'
import { leaksIn } from '../fixtures/leaks.ts'
import { everyPrefix } from '../fixtures/prefixes.ts'
import { certbotIssue, certbotRenew, type Step } from '../fixtures/producers.ts'
import { type Client, RECORDED, recordedSteps, recordingOf, sourceOf } from '../fixtures/recording.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { rewritten, storeText, touched } from '../fixtures/traefikStore.ts'
import { reportRow } from './run.ts'

const NAME = 'example.com'

const old = await issue({ notBefore: new Date(Date.now() - 60 * 86_400_000) })
const sameKey = await issue({ keyPem: old.key })
const newKey = await issue()

interface Producer {
  readonly name: string
  readonly sourceAt: (root: string) => Source
  readonly issued: (root: string) => readonly Step[]
  readonly renewed: (root: string) => readonly Step[]
  readonly renewal: Pair
}

function recorded(client: Client): Producer {
  const { issuance, renewal, keepsKey } = recordingOf(client)
  const pair = keepsKey ? sameKey : newKey
  const at = (root: string) => ({ root, name: NAME })
  return {
    name: client,
    sourceAt: root => sourceOf(client, at(root)),
    issued: root => recordedSteps(issuance, at(root), old),
    renewed: root => recordedSteps(renewal, at(root), pair),
    renewal: pair,
  }
}

const storeOf = (pair: Pair) => storeText({ le: [{ domains: [NAME], pair }] })

const PRODUCERS: readonly Producer[] = [
  ...RECORDED.map(recorded),
  {
    name: 'Traefik',
    sourceAt: root => ({ kind: 'traefik', path: join(root, 'acme.json'), keys: {} }),
    issued: root => [touched(join(root, 'acme.json')), ...rewritten(join(root, 'acme.json'), storeOf(old))],
    renewed: root => rewritten(join(root, 'acme.json'), storeOf(newKey)),
    renewal: newKey,
  },
  {
    name: 'certbot --reuse-key of older versions',
    sourceAt: root => sourceOf('certbot', { root }),
    issued: root => certbotIssue(root, NAME, old),
    renewed: root => certbotRenew(root, NAME, sameKey, { linkKey: true }),
    renewal: sameKey,
  },
]

describe.each(PRODUCERS)('$name', ({ name, sourceAt, issued, renewed, renewal }) => {
  const expected = [old, renewal].map(identityOf)

  test('stopped after any step, or within any write, uploads no mixed pair', async () => {
    const root = await temporaryDirectory()
    const { broken, sent, prefixes, pending, ...rest } = await everyPrefix({
      generations: [
        { pair: old, steps: issued(root) },
        { pair: renewal, steps: renewed(root) },
      ],
      find: finderOf(sourceAt(root)),
    })
    expect(broken).toEqual([])
    expect(sent).toEqual(expected)
    // uacme keeps its key and renames whole chains into place: something whole is there at every moment
    expect(pending > 0).toBe(name !== 'uacme')
    reportRow({
      fault: `${name}: every prefix`,
      how: `left there; half-way, and reported as pending, at ${pending}`,
      runs: prefixes,
      ...rest,
    })
  })

  test('with `certferry sync` run after every step, uploads each certificate once', async () => {
    const root = await temporaryDirectory()
    const { sync, stored } = await openProgram(sourceAt(root), root)
    const runs: { readonly step: string; readonly exit: number; readonly leaks: number }[] = []
    for (const { name: step, run } of [...issued(root), ...renewed(root)]) {
      await run()
      const { exit, output } = await sync()
      const keys = [old.key, renewal.key]
      const leaks = leaksIn(output, { keys, secrets: [DEMO_CREDENTIALS.secretKey] }).length
      runs.push({ step, exit, leaks })
    }
    // done, a renewal pending, or nothing there yet
    expect(runs.filter(({ exit }) => ![0, 75, 66].includes(exit))).toEqual([])
    expect(runs.at(-1)?.exit).toBe(0)
    const ids = stored()
    reportRow({
      fault: `${name}: sync after every step`,
      how: 'the command and the local service',
      runs: runs.length,
      lost: expected.filter(id => !ids.includes(id)).length,
      duplicated: ids.length - new Set(ids).size,
      leaked: runs.filter(({ leaks }) => leaks > 0).length,
    })
    expect(ids.filter(id => !expected.includes(id))).toEqual([])
  })
})

/** A lineage stays known while its source is half-written, as in the daemon. */
function finderOf(source: Source) {
  const { forLineage } = resolveSettings({}, {}, {})
  let known: Lineage | undefined
  return async () => {
    known = (await discoverLineages([source], forLineage)).lineages[0] ?? known
    return known
  }
}

async function openProgram(source: Source, root: string) {
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
  onTestFinished(() => emulator.close())
  const option =
    source.kind === 'pem'
      ? `pem=${source.name}:${source.chain}:${source.key}`
      : `${source.kind}=${source.path}`
  const words = [
    ...['sync', '--log-level', 'trace', '--source', option, '--endpoint', emulator.url],
    ...['--state-dir', join(await temporaryDirectory(), 'state')],
  ]
  const env = {
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  return {
    sync: async () => {
      const { context, out, err } = recordedContext({ cwd: root, env })
      const exit = await cli(words, context)
      return { exit, output: out() + err() }
    },
    stored: () =>
      emulator
        .certificates()
        .map(({ chainPem, keyPem }) => identityOf({ chain: chainPem, key: keyPem?.reveal() ?? '' })),
  }
}
