/** ACME clients stopped anywhere in their writing: what they leave is never uploaded mixed, and is said to be pending. */
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cli } from '../../src/cli/run.ts'
import { resolveSettings, type Source } from '../../src/config/settings.ts'
import { DEMO_CREDENTIALS, startEmulator } from '../../src/emulator/server.ts'
import { discoverLineages } from '../../src/sources/discover.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { identityOf } from '../fixtures/identity.ts'
import { leaksIn } from '../fixtures/leaks.ts'
import { everyPrefix } from '../fixtures/prefixes.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { recordedWorld } from '../fixtures/world.ts'
import { old, PRODUCERS, type Producer } from './producers.ts'
import { promised } from './run.ts'

const { uploadOf } = resolveSettings({}, {}, {})

describe.each(PRODUCERS)('$name', producer => {
  const { sourceAt, issued, renewed, renewal } = producer

  test('left after any step, or within any write, of an issuance or a renewal', async () => {
    const root = await temporaryDirectory()
    const { broken, sent, prefixes, pending, ...rest } = await everyPrefix({
      generations: [
        { pair: old, steps: issued(root) },
        { pair: renewal, steps: renewed(root) },
      ],
      find: finding(sourceAt(root)),
    })
    expect(broken).toEqual([])
    expect(sent).toEqual([old, renewal].map(identityOf))
    expect(pending > 0).toBe(producer.everHalfWay)
    const how = `left there; half-way, and said to be pending, at ${pending}`
    promised({ fault: `${producer.name}: every prefix`, how, runs: prefixes, ...rest })
  })

  test('with `certferry sync` run after every step', async () => {
    const root = await temporaryDirectory()
    const { type, stored } = await stage(producer, root)
    const runs: { readonly step: string; readonly exit: number; readonly leaks: number }[] = []
    for (const { name, run } of [...issued(root), ...renewed(root)]) {
      await run()
      const { exit, said } = await type()
      const keys = [old.key, renewal.key]
      runs.push({
        step: name,
        exit,
        leaks: leaksIn(said, { keys, secrets: [DEMO_CREDENTIALS.secretKey] }).length,
      })
    }
    // all well, a renewal under way, or nothing there yet
    expect(runs.filter(({ exit }) => ![0, 75, 66].includes(exit))).toEqual([])
    expect(runs.at(-1)?.exit).toBe(0)
    const ids = stored()
    promised({
      fault: `${producer.name}: sync after every step`,
      how: 'the command and the local service',
      runs: runs.length,
      lost: [old, renewal].filter(pair => !ids.includes(identityOf(pair))).length,
      duplicated: ids.length - new Set(ids).size,
      leaked: runs.filter(({ leaks }) => leaks > 0).length,
    })
    expect(ids.filter(id => ![old, renewal].map(identityOf).includes(id))).toEqual([])
  })
})

/** As the daemon does it: what it knew is still known where the source is half-written itself. */
function finding(source: Source) {
  let known: Lineage | undefined
  return async () => {
    known = (await discoverLineages([source], uploadOf)).lineages[0] ?? known
    return known
  }
}

async function stage({ sourceAt }: Producer, root: string) {
  const emulator = await startEmulator({ rate: Number.POSITIVE_INFINITY })
  onTestFinished(() => emulator.close())
  const state = join(await temporaryDirectory(), 'state')
  const source = sourceAt(root)
  const given =
    source.kind === 'pem'
      ? `pem=${source.name}:${source.chain}:${source.key}`
      : `${source.kind}=${source.path}`
  const words = [
    'sync',
    '--log-level',
    'trace',
    '--source',
    given,
    '--state-dir',
    state,
    '--endpoint',
    emulator.url,
  ]
  const env = {
    TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
    TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  }
  return {
    type: async () => {
      const { world, out, err } = recordedWorld({ cwd: root, env })
      const exit = await cli(words, world)
      return { exit, said: out() + err() }
    },
    stored: () =>
      emulator
        .certificates()
        .map(({ chainPem, keyPem }) => identityOf({ chain: chainPem, key: keyPem?.reveal() ?? '' })),
  }
}
