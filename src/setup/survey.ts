/** What setup finds before it asks or does anything: the configuration, the clients' folders, systemd's units. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CLIENTS, FOLDER_KINDS, type FolderKind, type HookFileClient } from '../acme/clients.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { DEFAULT_CONFIG, loadConfig, readConfigText } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { resolveSettings, type Settings } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { discoverLineages } from '../sources/discover.ts'
import { QUESTION, SERVICE, type Systemctl, TIMER, unitsIn } from '../systemd/systemctl.ts'
import { readIfExists, withWanted } from './files.ts'
import { draft, type FileChange, type Survey } from './plan.ts'
import type { ClientFound } from './questions.ts'

/** Where things are on a machine; a test has its own. */
export interface Paths {
  /** The clients' folders, or with Traefik its file. */
  readonly clients: Readonly<Record<FolderKind, string>>
  /** Named by the unit, which hands it over as a credential of systemd's. */
  readonly credentials: string
  /** Read by the unit. */
  readonly config: string
}

export const defaultPaths = ({ home }: ProcessContext): Paths => ({
  clients: recordOf(kind => CLIENTS[kind].directory(home)),
  credentials: '/etc/tencentcloud/credentials',
  config: DEFAULT_CONFIG,
})

const recordOf = (value: (kind: FolderKind) => string): Paths['clients'] =>
  Object.fromEntries(FOLDER_KINDS.map(kind => [kind, value(kind)])) as Record<FolderKind, string>

export interface HostSurvey {
  readonly places: Paths
  /** Undefined where there is no file. */
  readonly configText: string | undefined
  readonly config: Config
  readonly profile: string
  readonly found: readonly ClientFound[]
  readonly directories: Paths['clients']
  readonly units: Survey['units']
}

/** @throws Fault CONFIG_INVALID, USAGE. */
export async function surveyHost(
  world: ProcessContext,
  line: CommandLine,
  { places, systemctl }: { readonly places: Paths; readonly systemctl: Systemctl },
): Promise<HostSurvey> {
  if (line.config !== undefined && resolve(world.cwd, line.config) !== places.config)
    throw new Fault('USAGE', `setup writes only ${places.config}, which the units read`, {
      advice: 'Omit --config.',
    })
  const configText = await readIfExists(places.config)
  const config = configText === undefined ? {} : (await loadConfig(places.config, world)).config
  const settings = resolveSettings(line, world.env, config)
  const directories = directoriesIn(settings, places)
  const shown = await systemctl(...QUESTION)
  const unit = shown?.code === 0 ? unitsIn(shown.stdout) : undefined
  return {
    places,
    configText,
    config,
    profile: settings.profile ?? 'default',
    found: await detectClients(directories, settings),
    directories,
    units: unit && { service: unit(SERVICE), timer: unit(TIMER) },
  }
}

/** That of --source or of the configuration, else the usual one. */
const directoriesIn = ({ sources }: Settings, { clients }: Paths): HostSurvey['directories'] =>
  recordOf(kind => sources.flatMap(source => (source.kind === kind ? [source.path] : []))[0] ?? clients[kind])

async function detectClients(
  directories: HostSurvey['directories'],
  settings: Settings,
): Promise<readonly ClientFound[]> {
  const look = async (client: FolderKind): Promise<readonly ClientFound[]> => {
    const directory = directories[client]
    const there = await stat(directory).then(
      entry => entry.isDirectory() || client === 'traefik',
      () => false,
    )
    if (!there) return []
    const { lineages } = await discoverLineages(
      [{ kind: client, path: directory, keys: {} }],
      settings.uploadOf,
    )
    return [{ client, directory, certificates: lineages.length }]
  }
  return (await Promise.all(FOLDER_KINDS.map(look))).flat()
}

/** A source is written only where not all that is found is wanted, or it lies elsewhere. @throws Fault CONFIG_INVALID. */
export async function wantedConfig(
  { endpoint, source }: CommandLine,
  clients: readonly FolderKind[],
  { places, configText, config, found, directories }: HostSurvey,
): Promise<FileChange> {
  const usual =
    !source?.length && !config.source?.length && found.every(({ client }) => clients.includes(client))
  const sources = usual ? [] : clients.map(kind => ({ kind, path: directories[kind] }))
  const text = withWanted(configText ?? '', config, { endpoint, sources })
  const reading = await readConfigText(text)
  const isIntact =
    reading.problems.length === 0 && (endpoint === undefined || reading.config.tencent?.endpoint === endpoint)
  if (!isIntact)
    throw new Fault('CONFIG_INVALID', `${places.config}: setup cannot change this file safely`, {
      advice: 'Edit it by hand, and run certferry setup again.',
    })
  return draft(places.config, configText, text)
}

/** What install-hook is told: the directory, and nothing that stands in the configuration, which the hook reads too. */
export const hookLine = (
  client: HookFileClient,
  { directories }: HostSurvey,
  dryRun: boolean,
): CommandLine => ({
  operands: [client],
  json: false,
  dryRun,
  source: [{ kind: client, path: directories[client], keys: {} }],
})
