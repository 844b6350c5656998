/** The configuration or the credentials are replaced while they are read: in every way, again and again. */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cli } from '../../../src/cli/run.ts'
import { DEMO_CREDENTIALS } from '../../../src/emulator/server.ts'
import { sleep } from '../../../src/util/async.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { type RecordedWorld, recordedWorld } from '../../fixtures/world.ts'
import { LONG, SEED, times } from '../run.ts'
import { allCarried } from './daemon.ts'
import { drawn, inLanes } from './parallel.ts'
import { type Replacement, WAYS } from './replacements.ts'
import { openLedger } from './results.ts'
import { type Command, type Ground, openGround } from './stateDirFixture.ts'
import { plantTrees, type Trees } from './trees.ts'

const dice = seededDice(SEED)

/** Nobody leaves a file half for longer; what has stayed for a second is believed. In milliseconds. */
const [LONGEST_PAUSE, BELIEVED] = [400, 900]

/** They wait more than they work. */
const LANES = 10

/** Larger than any buffer, so that what writes in blocks leaves halves; each half of either is another configuration. */
function configurations({ sources }: Trees, endpoint: string): readonly [string, string] {
  const padding = '# nothing but a remark, as long as a line\n'.repeat(250)
  const tables = sources.map(source => {
    const [kind = '', rest = ''] = source.split('=')
    const [name, chain, key] = rest.split(':')
    const places = kind === 'pem' ? { name, chain, key } : { path: rest }
    const lines = Object.entries({ kind, ...places }).map(([word, value]) => `${word} = "${value}"\n`)
    return `[[source]]\n${lines.join('')}`
  })
  const account = `[tencent]\nendpoint = "${endpoint}"\n`
  return [`${tables.join(padding)}${padding}${account}`, `${account}${padding}${tables.join(padding)}`]
}

const key = ({ secretId, secretKey }: typeof DEMO_CREDENTIALS) =>
  `[default]\nsecret_id = ${secretId}\nsecret_key = ${secretKey}\n`
const CREDENTIALS = [
  `# the first\n${key(DEMO_CREDENTIALS)}`,
  `[other]\nsecret_id = o\nsecret_key = k\n${key(DEMO_CREDENTIALS)}`,
] as const

/** Where a request goes that does not know its endpoint: the default one is reached by this proxy only. */
async function openTrap() {
  let visits = 0
  const server = createServer(socket => {
    visits += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  return { proxy: `http://127.0.0.1:${port}`, visits: () => visits }
}

interface Stage {
  readonly ground: Ground
  readonly config: string
  readonly credentials: string
  /** What each of the two says by turns. */
  readonly texts: Readonly<Record<'config' | 'credentials', readonly [string, string]>>
  readonly process: () => RecordedWorld
  readonly words: (command: Command) => readonly string[]
  /** Connections of somebody who does not know the endpoint. */
  readonly astray: () => number
}

async function stage(folder: string, trees: Trees, renewing = false): Promise<Stage> {
  const ground = await openGround({ folder, trees, past: 'none', renewing })
  const trap = await openTrap()
  const config = join(folder, 'etc', 'config.toml')
  const credentials = join(folder, 'home', 'credentials')
  const texts = { config: configurations(trees, ground.emulator.url), credentials: CREDENTIALS }
  for (const [file, text] of [
    [config, texts.config[0]],
    [credentials, texts.credentials[0]],
  ] as const) {
    await mkdir(dirname(file))
    await writeFile(file, text)
  }
  const {
    CERTFERRY_ENDPOINT: _,
    TENCENTCLOUD_SECRET_ID: __,
    TENCENTCLOUD_SECRET_KEY: ___,
    ...rest
  } = ground.env
  const env = { ...rest, TENCENTCLOUD_CREDENTIALS_FILE: credentials, HTTPS_PROXY: trap.proxy }
  return {
    ground,
    config,
    credentials,
    texts,
    process: () => recordedWorld({ env, cwd: folder, wait: sleep }),
    words: command => [command, '--config', config],
    astray: trap.visits,
  }
}

/** Replaces the file in one way, so many times. Resolves to the longest it was left half: a busy machine may hold us up. */
async function replacing(way: string, file: string, texts: readonly [string, string], turns: number) {
  let longest = 0
  let [before, last] = [performance.now(), performance.now()]
  // from the end of the pause before the last one: whatever the writing in between took, too
  const measure = () => {
    longest = Math.max(longest, performance.now() - before)
  }
  const rest = async () => {
    measure()
    await sleep(dice() * LONGEST_PAUSE)
    before = last
    last = performance.now()
  }
  for (let turn = 1; turn <= turns; turn++) {
    await sleep(dice() * 500)
    const replacement: Replacement = { file, text: texts[turn % 2] ?? '', turn, pause: rest, dice }
    before = last = performance.now()
    await WAYS[way]?.(replacement)
    measure()
  }
  return longest
}

const RUNS = (['config', 'credentials'] as const).flatMap(what =>
  (['sync', 'hook'] as const).flatMap(command => Object.keys(WAYS).map(way => ({ what, command, way }))),
)

test.each([
  ['Configuration replaced while it is read', 'config'],
  ['Credentials replaced while they are read', 'credentials'],
] as const)('%s: half of it is never acted on', async (fault, target) => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const ledger = openLedger(
    fault,
    'by `sync` and `hook`: emptied, in pieces, renamed, moved aside, links and folders swapped',
  )
  const own = RUNS.filter(({ what }) => what === target)
  const trials = LONG ? [...own, ...own, ...own] : drawn(own, 3, dice)
  await inLanes(
    [...trials.entries()],
    async ([i, { command, way }]) => {
      const { ground, process, words, astray, ...stages } = await stage(join(root, `${i}`), trees)
      const writing = replacing(way, stages[target], stages.texts[target], 1 + Math.floor(dice() * 2))
      const { world, out, err } = process()
      await sleep(dice() * 500)
      const code = await cli(words(command), world)
      const made = { code, signal: null, stdout: out(), stderr: err() }
      const longest = await writing
      const what = `${i}: ${command}, ${way} (${code})`
      if (longest > BELIEVED) return ground.close()
      if (astray()) ledger.complain(`${what}: asked for an endpoint that nobody named`)
      const honest = code === 0 || made.stdout.includes('changes all the time')
      if (!honest) ledger.complain(`${what}: ${made.stdout}${made.stderr}`)
      const refused = ground.emulator.entries.filter(entry => entry.code !== 'OK')
      if (refused.length) ledger.complain(`${what}: the service said ${refused.map(one => one.code).join()}`)
      await ledger.enter({ what, ground, command, made })
    },
    LANES,
  )
  ledger.close()
})

test('a daemon told of each replacement never runs with half a configuration, and carries every renewal', async () => {
  const root = await temporaryDirectory()
  const trees = await plantTrees(join(root, 'trees'))
  const fault = 'Configuration replaced under `watch`, with SIGHUP'
  const ledger = openLedger(fault, 'the same ways, SIGHUP at any moment, a renewal each time')
  const { ground, config, texts, process, words, astray } = await stage(join(root, 'ground'), trees, true)
  const { world, out, err, signal, end } = process()
  const ended = cli(words('watch'), world)
  await expect.poll(out, { timeout: 40_000 }).toContain('"event":"watching"')
  for (const way of drawn(Object.keys(WAYS), times(1, 99), dice)) {
    const writing = replacing(way, config, texts.config, 2)
    for (let hups = 0; hups < 3; hups++) {
      await sleep(dice() * 700)
      signal('SIGHUP')
    }
    await trees.renew(Math.floor(dice() * 3))
    await writing
    await allCarried(ground)
    ledger.book(way, await ground.account([]))
  }
  signal('SIGHUP')
  const events = () =>
    out()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  await expect.poll(() => events().at(-1)?.event, { timeout: 20_000 }).toMatch(/^(reloaded|reload)$/)
  end()
  expect(await ended).toBe(0)
  for (const { event, msg } of events()) if (event === 'reloaded') expect(msg).toContain('3 certificates')
  expect(astray()).toBe(0)
  const made = { code: 0, signal: null, stdout: out(), stderr: err() }
  await ledger.enter({ what: 'in the end', ground, command: 'watch', made })
  ledger.close()
})
