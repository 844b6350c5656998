/** `certferry check`: configuration, readable files, state, clock and credentials, with one harmless signed call. */
import { Fault, mostSevere } from '../core/fault.ts'
import { faultJson } from '../core/outcome.ts'
import { sync } from '../sync.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { type Engine, openEngine } from './engine.ts'
import { listLineages } from './sources.ts'

interface Finding {
  readonly about: string
  readonly says: string
  readonly fault?: Fault
}

export async function run(world: World, line: CommandLine): Promise<number> {
  const engine = await openEngine(world, line, world.ending)
  try {
    const findings = [
      { about: 'configuration', says: engine.configFile ?? 'none: defaults, environment and options' },
      ...(await attempt('sources', () => sources(engine, world))),
      ...(await attempt('state', () => state(engine))),
      ...(await attempt('service', () => service(engine))),
    ]
    const exit = mostSevere(findings.flatMap(({ fault }) => fault?.exit ?? []))
    world.stdout.write(line.json ? json(findings, exit) : text(findings))
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

async function sources({ settings, effects }: Engine, { home }: World): Promise<readonly Finding[]> {
  const { lineages, failed } = await listLineages(settings, home)
  const wishes = { force: false, dryRun: true, endpoint: settings.endpoint.hostname, last: true }
  const outcomes = [...failed]
  for (const lineage of lineages) outcomes.push(await sync(lineage, effects, wishes))
  const wrong = outcomes.flatMap(outcome =>
    'fault' in outcome ? [{ about: outcome.lineage, says: outcome.fault.message, fault: outcome.fault }] : [],
  )
  const well = outcomes.length - wrong.length
  return [
    { about: 'sources', says: `${well} certificate${well === 1 ? '' : 's'} readable, key and chain fit` },
    ...wrong,
  ]
}

async function state({ receipts, settings }: Engine): Promise<readonly Finding[]> {
  await receipts.prepare()
  return [{ about: 'state', says: `${settings.stateDir} can be written` }]
}

/** Listing one certificate changes nothing. A key that may only upload is refused it, and is proven by the refusal. */
async function service({ uploader, settings }: Engine): Promise<readonly Finding[]> {
  const { client, origin } = await uploader()
  const credentials = { about: 'credentials', says: `from ${await origin()}` }
  const answered = await client
    .call('DescribeCertificates', '{"Limit":1}')
    .then(
      () => 'credentials accepted',
      error => {
        if (error instanceof Fault && error.apiCode === 'AuthFailure.UnauthorizedOperation')
          return 'credentials accepted, for other actions than listing'
        throw error
      },
    )
    .catch(error => {
      if (!(error instanceof Fault)) throw error
      return error
    })
  if (answered instanceof Fault)
    return [credentials, { about: 'service', says: answered.message, fault: answered }]
  return [
    credentials,
    { about: 'service', says: `${settings.endpoint.host}: ${answered}` },
    { about: 'clock', says: clock(client.offset()) },
  ]
}

/** The service's Date counts whole seconds, so two are no difference. */
const clock = (offset: number) =>
  Math.abs(offset) <= 2
    ? "in step with the service's"
    : `${Math.abs(offset)} s ${offset > 0 ? 'slow' : 'fast'}; the service allows 300 s`

const text = (findings: readonly Finding[]) =>
  findings
    .map(
      ({ about, says, fault }) =>
        `${fault ? 'FAIL' : 'ok  '}  ${about.padEnd(14)}  ${says}\n${fault ? `      → ${fault.advice}\n` : ''}`,
    )
    .join('')

const json = (findings: readonly Finding[], exit: number) =>
  `${JSON.stringify({ findings: findings.map(({ fault, ...rest }) => ({ ...rest, ok: !fault, ...(fault && { fault: faultJson(fault) }) })), exit })}\n`
