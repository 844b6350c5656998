/** Every byte that leaves the program and its children, in every situation, at every log level: keys go to the service alone. */
import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { LEVELS } from '../../../src/config/values.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { seededRandom } from '../../fixtures/random.ts'
import { temporaryDirectory } from '../../fixtures/temporary.ts'
import { PROGRAM } from '../machine/process.ts'
import { hasStrace } from '../machine/strace.ts'
import { inParallel, LONG, reportRow, SEED } from '../run.ts'
import {
  type Fixture,
  openFixture,
  runTraced,
  SCENARIOS,
  type Scenario,
  SECRETS,
  type Trace,
  type TracedRun,
  WEBHOOK_PATH,
} from './fixture.ts'

const POLL = { timeout: 60_000, interval: 50 }

const COMMANDS: Readonly<Record<string, (fixture: Fixture) => readonly string[]>> = {
  sync: ({ folder }) => ['sync', '--metrics-file', join(folder, 'certferry.prom')],
  'sync --json': () => ['sync', '--json', '--force'],
  hook: () => ['hook', '--deadline', '3'],
  watch: () => ['watch'],
  status: () => ['status', '--json'],
  check: () => ['check'],
  inspect: ({ live }) => ['inspect', join(live, 'fullchain.pem'), join(live, 'privkey.pem')],
  'config print': () => ['config', 'print'],
}

/** The pages of the daemon, and the replies to other paths. */
async function pagesOf(socketPath: string): Promise<string> {
  const pages = ['/metrics', '/live', '/ready', '/', '/../etc/passwd'].map(
    path =>
      new Promise<string>((resolve, reject) => {
        request({ socketPath, path }, answer => resolve(text(answer)))
          .on('error', reject)
          .end()
      }),
  )
  return (await Promise.all(pages)).join('\n')
}

/** Requests the pages of a daemon, has it rescan, and ends it once it has called the service, where it should. */
async function driveDaemon(fixture: Fixture, scenario: Scenario, run: TracedRun): Promise<string> {
  let over = false
  run.ended.then(() => (over = true))
  let pages = ''
  const fetchPages = async () => {
    pages = over ? pages : await pagesOf(fixture.socket).catch(() => '')
    return over || pages !== ''
  }
  await expect.poll(fetchPages, POLL).toBe(true)
  run.child.kill('SIGUSR1')
  const isDone = () => over || !scenario.arrives || fixture.requests() > 0
  await expect.poll(isDone, POLL).toBe(true)
  await fetchPages()
  run.child.kill('SIGTERM')
  return pages
}

let bytes = 0

const filesIn = async (folder: string) => {
  const names = await readdir(folder).catch(() => [])
  return Promise.all(names.map(name => readFile(join(folder, name), 'utf8').catch(() => '')))
}

interface Trial {
  readonly scenario: Scenario
  readonly command: string
  readonly level: string
}

async function runTrial({ scenario, command, level }: Trial, folder: string) {
  const fixture = await openFixture(folder, scenario)
  const words = [
    ...PROGRAM,
    ...(COMMANDS[command]?.(fixture) ?? []),
    ...(command === 'inspect' ? [] : ['--config', fixture.config]),
    ...(hasLevel(command) ? ['--log-level', level] : []),
  ]
  const run = runTraced({
    words,
    env: fixture.env,
    output: join(folder, 'calls'),
    port: fixture.ports.service,
  })
  const pages = command === 'watch' ? await driveDaemon(fixture, scenario, run) : ''
  const trace = await run.trace
  return { fixture, trace, leaks: await leaksOf(fixture, trace, pages) }
}

async function leaksOf({ keys, ports, folder }: Fixture, trace: Trace, pages: string) {
  const toWebhook = (call: string) => call.includes(`->127.0.0.1:${ports.webhook}]>`)
  const all = [
    ...trace.elsewhere,
    trace.stdout,
    trace.stderr,
    pages,
    ...(await filesIn(join(folder, 'state'))),
  ]
  const searched = all.join('\n')
  bytes += searched.length
  const others = all.filter(each => !toWebhook(each)).join('\n')
  return [
    ...leaksIn(searched, { keys, secrets: SECRETS }),
    ...leaksIn(others, { keys: [], secrets: [WEBHOOK_PATH] }).filter(leak => leak !== 'PRIVATE KEY-----'),
  ]
}

const random = seededRandom(SEED)
const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
const WITH_UPLOADS = ['sync', 'watch']
/** The output of the others does not depend on the level. */
const hasLevel = (command: string) => !['status', 'inspect', 'config print'].includes(command)

/** In the long run everything; in the short one every scenario once at the most verbose level, and the first with every command. */
function trialsOf(scenario: () => Scenario, isFirst: boolean): readonly Trial[] {
  const commands = Object.keys(COMMANDS).filter(name => !(scenario().slow && name.startsWith('sync')))
  if (LONG)
    return commands.flatMap(command =>
      (hasLevel(command) ? LEVELS : ['trace']).map(level => ({ scenario: scenario(), command, level })),
    )
  if (isFirst) return commands.map(command => ({ scenario: scenario(), command, level: oneOf(LEVELS) }))
  return [
    {
      scenario: scenario(),
      command: oneOf(commands.filter(name => WITH_UPLOADS.includes(name))),
      level: 'trace',
    },
  ]
}

const trials = SCENARIOS.flatMap((scenario, i) => trialsOf(scenario, i === 0))

test.skipIf(!hasStrace)(
  'keys and secrets go to the service and nowhere else: no output, file, page, message, program argument or environment has them',
  async () => {
    const root = await temporaryDirectory()
    const broken: string[] = []
    const arrived = new Set<string>()
    await inParallel([...trials.entries()], async ([n, trial]) => {
      const { trace, fixture, leaks } = await runTrial(trial, join(root, String(n)))
      const what = `${trial.command} at ${trial.level}, ${trial.scenario.name}`
      for (const leak of leaks) broken.push(`${what}: ${leak}`)
      if (trace.elsewhere.length < 50) broken.push(`${what}: the trace is next to empty (${trace.stderr})`)
      if (leaksIn(trace.toService.join('\n'), { keys: fixture.keys, secrets: [] }).length)
        arrived.add(trial.scenario.name)
    })
    expect(broken).toEqual([])
    // a trace that does not show the key here would not show it elsewhere
    for (const { scenario } of trials) if (scenario.arrives) expect(arrived).toContain(scenario.name)
    process.stdout.write(`secrets: ${trials.length} runs, ${(bytes / 1e6).toFixed(0)} MB searched\n`)
    reportRow({
      fault: 'Secrets on their way',
      how: '`strace` on all that is handed on',
      runs: trials.length,
      lost: 0,
      duplicated: 0,
      leaked: broken.length,
    })
  },
  LONG ? 3_600_000 : 240_000,
)
