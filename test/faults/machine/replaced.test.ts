/** The configuration or the credentials are replaced while they are read, in every way that people and tools replace files. */
import { appendFile, mkdir, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cli } from '../../../src/cli/run.ts'
import { DEMO_CREDENTIALS } from '../../../src/emulator/server.ts'
import { sleep } from '../../../src/util/async.ts'
import { recordedContext } from '../../fixtures/context.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { inParallel, LONG, range, SEED, sample, times } from '../run.ts'
import { allUploaded, type Fixture, openMachine, openResults } from './fixture.ts'
import type { Lineages } from './lineages.ts'

const random = seededRandom(SEED)

interface Replacement {
  readonly file: string
  readonly text: string
  /** Makes names unique. */
  readonly turn: number
  readonly pause: () => Promise<void>
}

/** Up to five pieces, cut anywhere; an empty one would leave the file unchanged for two pauses. */
function piecesOf(text: string): readonly string[] {
  const cuts = range(0, 1 + Math.floor(random() * 3)).map(() => Math.floor(random() * text.length))
  const ends = [...cuts.sort((a, b) => a - b), text.length]
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end)).filter(piece => piece !== '')
}

async function appendPieces(file: string, { text, pause }: Replacement): Promise<void> {
  for (const piece of piecesOf(text)) {
    await appendFile(file, piece)
    await pause()
  }
}

/** Each pauses wherever a reader may come in between. */
const METHODS: Readonly<Record<string, (replacement: Replacement) => Promise<unknown>>> = {
  'emptied, then filled': async ({ file, text, pause }) => {
    await writeFile(file, '')
    await pause()
    await writeFile(file, text)
  },
  'emptied, then written in pieces': async replacement => {
    await writeFile(replacement.file, '')
    await replacement.pause()
    await appendPieces(replacement.file, replacement)
  },
  'written over the old text': async ({ file, text, pause }) => {
    const handle = await open(file, 'r+')
    let at = 0
    for (const piece of piecesOf(text)) {
      await handle.write(piece, at)
      at += Buffer.byteLength(piece)
      await pause()
    }
    await handle.truncate(at)
    await handle.close()
  },
  'renamed over': async ({ file, text, pause }) => {
    await writeFile(`${file}.new`, text)
    await pause()
    await rename(`${file}.new`, file)
  },
  'removed, then written in pieces': async replacement => {
    await unlink(replacement.file)
    await replacement.pause()
    await appendPieces(replacement.file, replacement)
  },
  'moved aside, then written': async ({ file, text, pause }) => {
    await rename(file, `${file}~`)
    await pause()
    await writeFile(file, text)
  },
  'a link removed, and set anew': async ({ file, text, turn, pause }) => {
    await writeFile(`${file}.${turn}`, text)
    await unlink(file)
    await pause()
    await symlink(`${file}.${turn}`, file)
  },
  'a link renamed over': async ({ file, text, turn, pause }) => {
    await writeFile(`${file}.${turn}`, text)
    await symlink(`${file}.${turn}`, `${file}.link`)
    await pause()
    await rename(`${file}.link`, file)
  },
  'a link to a file written after it': async replacement => {
    const { file, turn, pause } = replacement
    await unlink(file)
    await pause()
    await symlink(`${file}.${turn}`, file)
    await pause()
    await appendPieces(`${file}.${turn}`, replacement)
  },
  'the folder moved away, and another in its place': async ({ file, text, turn, pause }) => {
    const folder = dirname(file)
    const next = `${folder}.${turn}`
    await mkdir(next)
    await writeFile(join(next, basename(file)), text)
    await rename(folder, `${folder}~`)
    await pause()
    await rename(next, folder)
    await rm(`${folder}~`, { recursive: true })
  },
}

/** A file is never left half-written for longer than the pause; one unchanged for a second is trusted. In milliseconds. */
const [LONGEST_PAUSE, TRUSTED_AFTER] = [400, 900]

/** Most of the time is waiting. */
const CONCURRENCY = 10

type Texts = readonly [string, string]

/** Larger than any buffer, so that writing in blocks leaves halves; each half of either is another configuration. */
function configurations({ sources }: Lineages, endpoint: string): Texts {
  const padding = '# nothing but a remark, as long as a line\n'.repeat(250)
  const tables = sources.map(source => {
    const [kind = '', rest = ''] = source.split('=')
    const [name, chain, key] = rest.split(':')
    const paths = kind === 'pem' ? { name, chain, key } : { path: rest }
    const lines = Object.entries({ kind, ...paths }).map(([member, value]) => `${member} = "${value}"\n`)
    return `[[source]]\n${lines.join('')}`
  })
  const account = `[tencent]\nendpoint = "${endpoint}"\n`
  return [`${tables.join(padding)}${padding}${account}`, `${account}${padding}${tables.join(padding)}`]
}

const KEY = `[default]\nsecret_id = ${DEMO_CREDENTIALS.secretId}\nsecret_key = ${DEMO_CREDENTIALS.secretKey}\n`
const CREDENTIALS: Texts = [`# the first\n${KEY}`, `[other]\nsecret_id = o\nsecret_key = k\n${KEY}`]

/** The default endpoint is reached by this proxy alone: it counts requests that do not know the configured one. */
async function startTrap() {
  let visits = 0
  const server = createServer(socket => {
    visits += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}`, visits: () => visits }
}

async function configured({ folder, emulator, env }: Fixture, lineages: Lineages) {
  const trap = await startTrap()
  const [config, credentials] = [join(folder, 'etc', 'config.toml'), join(folder, 'home', 'credentials')]
  const texts = { config: configurations(lineages, emulator.url), credentials: CREDENTIALS }
  for (const [file, text] of [
    [config, texts.config[0]],
    [credentials, texts.credentials[0]],
  ] as const) {
    await mkdir(dirname(file))
    await writeFile(file, text)
  }
  const recorded = recordedContext({
    env: {
      CERTFERRY_STATE_DIR: env.CERTFERRY_STATE_DIR,
      CERTFERRY_LOG_FORMAT: 'json',
      RENEWED_LINEAGE: env.RENEWED_LINEAGE,
      TENCENTCLOUD_CREDENTIALS_FILE: credentials,
      HTTPS_PROXY: trap.url,
    },
    cwd: folder,
    wait: sleep,
  })
  return { files: { config, credentials }, texts, recorded, strayRequests: trap.visits }
}

/** Replaces the file that many times. Resolves to the longest it was left half-written, which a busy machine may prolong. */
async function replace(method: string, file: string, texts: Texts, turns: number) {
  let longest = 0
  let [before, last] = [performance.now(), performance.now()]
  // from the end of the pause before the last: what the writing in between took counts too
  const measure = () => {
    longest = Math.max(longest, performance.now() - before)
  }
  const pause = async () => {
    measure()
    await sleep(random() * LONGEST_PAUSE)
    before = last
    last = performance.now()
  }
  for (const turn of range(1, turns)) {
    await sleep(random() * 500)
    before = last = performance.now()
    await METHODS[method]?.({ file, text: texts[turn % 2] ?? '', turn, pause })
    measure()
  }
  return longest
}

test.each([
  ['Configuration replaced while it is read', 'config'],
  ['Credentials replaced while they are read', 'credentials'],
] as const)('%s: half of it is never used', async (fault, target) => {
  const { lineages, open } = await openMachine()
  const results = openResults(
    fault,
    'by `sync` and `hook`: emptied, in pieces, renamed, moved aside, links and folders swapped',
  )
  const all = (['sync', 'hook'] as const).flatMap(command =>
    Object.keys(METHODS).map(method => ({ command, method })),
  )
  const trials = LONG ? [...all, ...all, ...all] : sample(all, 3, random)
  await inParallel(
    [...trials.entries()],
    async ([i, { command, method }]) => {
      const fixture = await open({ earlier: 'none' })
      const { files, texts, recorded, strayRequests } = await configured(fixture, lineages)
      const writing = replace(method, files[target], texts[target], 1 + Math.floor(random() * 2))
      await sleep(random() * 500)
      const code = await cli([command, '--config', files.config], recorded.context)
      const ended = { code, signal: null, stdout: recorded.out(), stderr: recorded.err() }
      const what = `${i}: ${command}, ${method} (${code})`
      if ((await writing) > TRUSTED_AFTER) return fixture.close()
      if (strayRequests()) results.fail(`${what}: a request to an endpoint that is not configured`)
      if (code !== 0 && !ended.stdout.includes('changes all the time'))
        results.fail(`${what}: ${ended.stdout}${ended.stderr}`)
      const refused = fixture.emulator.entries.filter(entry => entry.code !== 'OK')
      if (refused.length) results.fail(`${what}: the service replied ${refused.map(one => one.code).join()}`)
      await results.repair(what, fixture, command, ended)
    },
    CONCURRENCY,
  )
  results.report()
})

test('a daemon that reloads at each replacement never runs with half a configuration, and uploads every renewal', async () => {
  const { lineages, open } = await openMachine()
  const results = openResults(
    'Configuration replaced under `watch`, with SIGHUP',
    'the same ways, SIGHUP at any moment, a renewal each time',
  )
  const fixture = await open({ earlier: 'none', renewing: true })
  const { files, texts, recorded, strayRequests } = await configured(fixture, lineages)
  const { context, out, err, signal, end } = recorded
  const exit = cli(['watch', '--config', files.config], context)
  await expect.poll(out, { timeout: 40_000 }).toContain('"event":"watching"')
  for (const method of sample(Object.keys(METHODS), times(1, 99), random)) {
    const writing = replace(method, files.config, texts.config, 2)
    for (let hups = 0; hups < 3; hups++) {
      await sleep(random() * 700)
      signal('SIGHUP')
    }
    await lineages.renew(Math.floor(random() * 3))
    await writing
    await allUploaded(fixture)
    results.add(method, await fixture.damage([]))
  }
  signal('SIGHUP')
  const events = () =>
    out()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  await expect.poll(() => events().at(-1)?.event, { timeout: 20_000 }).toMatch(/^(reloaded|reload)$/)
  end()
  expect(await exit).toBe(0)
  for (const { event, msg } of events()) if (event === 'reloaded') expect(msg).toContain('3 certificates')
  expect(strayRequests()).toBe(0)
  const ended = { code: 0, signal: null, stdout: out(), stderr: err() }
  await results.repair('in the end', fixture, 'watch', ended)
  results.report()
})
