/** `certferry setup`: from installed to running, with at most four questions, and nothing overwritten without a copy. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from '../core/config.ts'
import { DEFAULT_ENDPOINT } from '../core/endpoint.ts'
import { Fault } from '../core/fault.ts'
import type { Client } from '../core/hookFile.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { withWanted } from '../core/setupConfig.ts'
import { type Answers, type Done, doneText, SERVICE, type Step, setupSteps } from '../core/setupPlan.ts'
import { DEFAULT_CONFIG, loadConfig } from '../edge/configFile.ts'
import { presentText, replaceFile } from '../edge/setupFile.ts'
import { type Systemctl, systemctl } from '../edge/systemctl.ts'
import type { World } from '../world.ts'
import { run as check } from './check.ts'
import type { CommandLine } from './commandLine.ts'
import { installed } from './installHook.ts'
import { wantedCredentials } from './setupCredentials.ts'
import { answersOf } from './setupQuestions.ts'

/** Where things are on a machine; a test has its own. */
export interface Places {
  readonly certbot: string
  readonly acme: string
  /** Named by the unit, which hands it over as a credential of systemd's. */
  readonly credentials: string
  readonly config: string
  readonly systemctl: Systemctl
}

const usual = ({ home }: World): Places => ({
  certbot: '/etc/letsencrypt',
  acme: join(home, '.acme.sh'),
  credentials: '/etc/tencentcloud/credentials',
  config: DEFAULT_CONFIG,
  systemctl,
})

export const run = (world: World, line: CommandLine) => setUp(world, line, usual(world))

export async function setUp(world: World, line: CommandLine, places: Places): Promise<number> {
  const ask = line.yes ? undefined : world.ask
  if (!line.yes && !ask)
    throw new Fault('USAGE', 'setup asks questions, and there is no terminal to ask them at', {
      advice: 'Say --yes, with the options that answer them: certferry setup --help.',
    })
  const units = await knowsUnits(places.systemctl)
  const answers = await answersOf(line, { found: await foundClients(places), units, ask })
  const config = await wantedConfig(world, line, answers, places)
  const credentials = await wantedCredentials(world, line, { file: places.credentials, ask })
  const steps = setupSteps(answers, {
    units,
    config: config.text !== config.before,
    credentials: credentials.text !== credentials.before,
  })
  const at = new Date(world.now())
  const done: Done[] = []
  const acts: Acts = {
    config: () => write(places.config, { text: config.text, mode: 0o644, now: at }),
    credentials: () => write(places.credentials, { text: credentials.text, mode: 0o600, now: at }),
    hook: client => hook(world, line, client),
    enable: (unit, again) => enable(places.systemctl, unit, again),
  }
  for (const step of steps) {
    if (step.do === 'check') continue
    done.push(line.dryRun ? planned(step, places) : await act(step, acts))
  }
  world.stdout.write(line.json ? jsonLine({ done, exit: 0 }) : told(done, line.dryRun ?? false, answers))
  return steps.some(step => step.do === 'check') && !line.dryRun && !line.json ? test(world, line) : 0
}

async function knowsUnits(systemctl: Systemctl): Promise<boolean> {
  const said = await systemctl('show', SERVICE, '--property=LoadState')
  return said?.stdout.trim() === 'LoadState=loaded'
}

async function foundClients({ certbot, acme }: Places): Promise<readonly Client[]> {
  const isThere = (path: string) =>
    stat(path).then(
      found => found.isDirectory(),
      () => false,
    )
  return [
    ...((await isThere(certbot)) ? ['certbot' as const] : []),
    ...((await isThere(acme)) ? ['acme.sh' as const] : []),
  ]
}

/** A source is written only where not everything in the usual places is wanted. */
async function wantedConfig(world: World, line: CommandLine, { clients }: Answers, places: Places) {
  const before = (await presentText(places.config)) ?? ''
  const config: Config = before ? (await loadConfig(places.config, world)).config : {}
  const paths = { certbot: places.certbot, 'acme.sh': places.acme }
  const all = (await foundClients(places)).length <= clients.length && !config.source?.length
  const sources = all ? [] : clients.map(kind => ({ kind, path: resolve(world.cwd, paths[kind]) }))
  const endpoint = line.endpoint === DEFAULT_ENDPOINT ? undefined : line.endpoint
  return { before, text: withWanted(before, config, { endpoint, sources }) }
}

interface Acts {
  readonly config: () => Promise<Done>
  readonly credentials: () => Promise<Done>
  readonly hook: (client: Client) => Promise<Done>
  readonly enable: (unit: string, again: boolean) => Promise<Done>
}

function act(step: Exclude<Step, { do: 'check' }>, acts: Acts): Promise<Done> {
  if (step.do === 'hook') return acts.hook(step.client)
  if (step.do === 'enable') return acts.enable(step.unit, step.again)
  return acts[step.do]()
}

const planned = (step: Exclude<Step, { do: 'check' }>, places: Places): Done => {
  if (step.do === 'hook') return { what: 'hook', detail: `of ${step.client} would be installed` }
  if (step.do === 'enable') return { what: 'unit', detail: `${step.unit} would be enabled and started` }
  return { what: 'file', detail: `${places[step.do]} would be written` }
}

async function write(path: string, wanted: Parameters<typeof replaceFile>[1]): Promise<Done> {
  const { backup } = await replaceFile(path, wanted)
  const mode = wanted.mode === 0o600 ? ', readable by root alone' : ''
  return { what: 'written', detail: `${path}${mode}${backup ? `; as it was before: ${backup}` : ''}` }
}

async function hook(world: World, line: CommandLine, client: Client): Promise<Done> {
  const { file, next } = await installed(world, line, client)
  return { what: 'hook', detail: `${file}${next ? `; next, once for each certificate: ${next}` : ''}` }
}

async function enable(systemctl: Systemctl, unit: string, again: boolean): Promise<Done> {
  const words = [
    ['enable', unit],
    [again ? 'restart' : 'start', unit],
  ] as const
  for (const said of words) {
    const ended = await systemctl(...said)
    if (ended?.code === 0) continue
    throw new Fault('SETUP_UNWRITABLE', `systemctl ${said.join(' ')}: ${ended?.stderr.trim() || 'failed'}`, {
      advice: `See journalctl -u ${unit} -n 20, and run certferry setup again.`,
    })
  }
  return { what: 'started', detail: `${unit}, and at every boot` }
}

function told(done: readonly Done[], dryRun: boolean, { way, clients }: Answers): string {
  if (!done.length) return 'Everything is set up already; nothing was changed.\n'
  const heading = dryRun ? 'Would be done:' : 'Done:'
  const next =
    way === 'daemon'
      ? 'What is renewed from now on is uploaded by itself: journalctl -u certferry'
      : `What ${clients.join(' or ')} renews from now on is uploaded by its hook; what is there already by: certferry sync`
  return `${heading}\n${doneText(done)}${next}\n`
}

/** As `check` says it, below what was done. */
async function test(world: World, line: CommandLine): Promise<number> {
  world.stdout.write('\n')
  return check(world, { ...line, operands: [] })
}
