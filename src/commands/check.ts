/** `certferry check`: configuration, readable files, state, clock and credentials, with one harmless signed call. */
import { wrapped } from '../core/columns.ts'
import { duration } from '../core/duration.ts'
import { Fault, mostSevere } from '../core/fault.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { faultJson } from '../core/outcome.ts'
import { printable } from '../core/printable.ts'
import { sync } from '../sync.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { type Engine, endOf, openEngine } from './engine.ts'
import { listLineages } from './sources.ts'

interface Finding {
  readonly about: string
  readonly says: string
  readonly fault?: Fault
}

export async function run(world: World, line: CommandLine): Promise<number> {
  const engine = await openEngine(world, line, endOf(world))
  try {
    const findings = [
      { about: 'configuration', says: engine.configFile ?? 'none: defaults, environment and options' },
      ...(await attempt('sources', () => sources(engine, world))),
      ...(await attempt('state', () => state(engine))),
      ...(await connection(engine)),
    ]
    const exit = mostSevere(findings.flatMap(({ fault }) => fault?.exit ?? []))
    world.stdout.write(line.json ? json(findings, exit) : text(findings, Math.max(60, world.stdout.columns)))
    return exit
  } finally {
    await engine.close()
  }
}

async function attempt(about: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return [{ about, says: error.message, fault: error }]
  }
}

/** Without credentials there is nothing to ask the service with. */
async function connection(engine: Engine): Promise<readonly Finding[]> {
  const found = await attempt('credentials', () => credentials(engine))
  return found.some(({ fault }) => fault)
    ? found
    : [...found, ...(await attempt('service', () => service(engine)))]
}

async function sources({ settings, effects }: Engine, { home }: World): Promise<readonly Finding[]> {
  const { lineages, failed } = await listLineages(settings, home)
  const wishes = { force: false, dryRun: true, endpoint: settings.endpoint.hostname, last: true }
  const outcomes = [...failed]
  for (const lineage of lineages) outcomes.push(await sync(lineage, effects, wishes))
  const wrong = outcomes.flatMap(outcome =>
    'fault' in outcome
      ? [
          {
            about: failed.includes(outcome) ? 'source' : 'certificate',
            says: `${outcome.lineage}: ${outcome.fault.message}`,
            fault: outcome.fault,
          },
        ]
      : [],
  )
  const well = lineages.length - outcomes.slice(failed.length).filter(outcome => 'fault' in outcome).length
  const says =
    lineages.length === 0 ? 'no certificates found' : `${well} of ${lineages.length} certificates ready`
  return [{ about: 'sources', says }, ...wrong]
}

async function state({ receipts, settings }: Engine): Promise<readonly Finding[]> {
  await receipts.prepare()
  return [{ about: 'state', says: `${settings.stateDir} can be written` }]
}

const credentials = async ({ uploader }: Engine): Promise<readonly Finding[]> => [
  { about: 'credentials', says: `from ${await (await uploader()).origin()}` },
]

/** Listing one certificate changes nothing. A key that may only upload is refused it, and is proven by the refusal. */
async function service({ uploader, settings }: Engine): Promise<readonly Finding[]> {
  const { client } = await uploader()
  const { host } = settings.endpoint
  const accepted = await client.call('DescribeCertificates', '{"Limit":1}').then(
    () => 'credentials accepted',
    (error: unknown) => {
      if (!(error instanceof Fault)) throw error
      if (error.apiCode === 'AuthFailure.UnauthorizedOperation')
        return 'credentials accepted, for other actions than listing'
      return error
    },
  )
  if (typeof accepted === 'string')
    return [
      { about: 'service', says: `${host}: ${accepted}` },
      { about: 'clock', says: clock(client.offset()) },
    ]
  const about = accepted.code === 'API_CLOCK' ? 'clock' : 'service'
  const says = about === 'clock' ? clock(client.offset()) : `${host}: ${accepted.message}`
  return [{ about, says, fault: accepted }]
}

/** The service's Date counts whole seconds, so two are no difference. */
const clock = (offset: number) =>
  Math.abs(offset) <= 2
    ? "in step with the service's"
    : `${duration(Math.abs(offset))} ${offset > 0 ? 'slow' : 'fast'}; the service allows 5 minutes`

/** What stands before the words: `FAIL`, a topic of 13 characters, and the blanks between. */
const MARGIN = 21

function text(findings: readonly Finding[], columns: number): string {
  const fit = (words: string) => wrapped(printable(words, 1000), columns - MARGIN, MARGIN)
  return findings
    .map(({ about, says, fault }) => {
      const topic = `${fault ? 'FAIL' : 'ok  '}  ${about.padEnd(13)}  ${fit(says)}\n`
      return fault ? `${topic}${' '.repeat(MARGIN)}${fit(`→ ${fault.advice}`)}\n` : topic
    })
    .join('')
}

const json = (findings: readonly Finding[], exit: number) =>
  jsonLine({
    findings: findings.map(({ fault, ...rest }) => ({
      ...rest,
      ok: !fault,
      ...(fault && { fault: faultJson(fault) }),
    })),
    exit,
  })
