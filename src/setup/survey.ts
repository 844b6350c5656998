/** What `certferry setup` finds on this host, and its questions, each with an answer that Enter gives. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CLIENTS, FOLDER_KINDS, type FolderKind, type HookFileClient } from '../acme/clients.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { DEFAULT_CONFIG, loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { resolveSettings, type Settings } from '../config/settings.ts'
import { SITES, type Site } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import type { Ask, ProcessContext } from '../processContext.ts'
import { discoverLineages } from '../sources/discover.ts'
import { QUESTION, SERVICE, type Systemctl, TIMER, unitsIn } from '../systemd/systemctl.ts'
import { choiceProblem } from '../util/similar.ts'
import type { SetupChoices } from './plan.ts'

/** Where things are on this host; tests have their own. */
export interface Paths {
  /** The clients' folders; Traefik's file. */
  readonly clients: Readonly<Record<FolderKind, string>>
  /** As in the unit, which hands it over as a systemd credential. */
  readonly credentials: string
  readonly config: string
}

export const defaultPaths = ({ home }: ProcessContext): Paths => ({
  clients: forEachClient(kind => CLIENTS[kind].directory(home)),
  credentials: '/etc/tencentcloud/credentials',
  config: DEFAULT_CONFIG,
})

const forEachClient = (value: (kind: FolderKind) => string): Paths['clients'] =>
  Object.fromEntries(FOLDER_KINDS.map(kind => [kind, value(kind)])) as Record<FolderKind, string>

/** A client's folder on this host. */
interface ClientFound {
  readonly client: FolderKind
  readonly directory: string
  readonly certificates: number
}

/** @throws Fault CONFIG_INVALID, USAGE. */
export async function surveyHost(
  context: ProcessContext,
  line: CommandLine,
  { places, systemctl }: { readonly places: Paths; readonly systemctl: Systemctl },
) {
  if (line.config !== undefined && resolve(context.cwd, line.config) !== places.config)
    throw new Fault('USAGE', `setup writes only ${places.config}, which the units read`, {
      advice: 'Omit --config.',
    })
  const configText = await readIfExists(places.config)
  const config: Config = configText === undefined ? {} : (await loadConfig(places.config, context)).config
  const settings = resolveSettings(line, context.env, config)
  const configured = new Map(
    settings.sources
      .toReversed()
      .flatMap(source => (source.kind === 'pem' ? [] : [[source.kind, source.path]])),
  )
  const directories = forEachClient(kind => configured.get(kind) ?? places.clients[kind])
  const shown = await systemctl(...QUESTION)
  const unit = shown?.code === 0 ? unitsIn(shown.stdout) : undefined
  return {
    places,
    /** Undefined if there is no file. */
    configText,
    config,
    profile: settings.profile,
    found: await detectClients(directories, settings),
    directories,
    units: unit && { service: unit(SERVICE), timer: unit(TIMER) },
  }
}

export type HostSurvey = Awaited<ReturnType<typeof surveyHost>>

/** @throws Fault FILE_INVALID, FILE_UNREADABLE. */
export const readIfExists = (path: string): Promise<string | undefined> =>
  readTextFile(path).then(
    ({ text }) => text,
    error => {
      if (error instanceof Fault && error.code === 'FILE_MISSING') return undefined
      throw error
    },
  )

async function detectClients(
  directories: Paths['clients'],
  { forLineage }: Settings,
): Promise<readonly ClientFound[]> {
  const found: ClientFound[] = []
  for (const client of FOLDER_KINDS) {
    const directory = directories[client]
    const entry = await stat(directory).catch(() => undefined)
    if (!entry?.isDirectory() && !(entry && client === 'traefik')) continue
    const { lineages } = await discoverLineages([{ kind: client, path: directory, keys: {} }], forLineage)
    found.push({ client, directory, certificates: lineages.length })
  }
  return found
}

/** The line of install-hook: the directory alone, because the hook reads the configuration itself. */
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

/** @throws Fault USAGE, or NO_SOURCE if there is no client. */
export async function chosenClients(
  { client }: CommandLine,
  found: readonly ClientFound[],
  ask: Ask | undefined,
): Promise<readonly FolderKind[]> {
  if (client) return client.map(clientNamed)
  const [only, ...more] = found
  if (!only)
    throw new Fault('NO_SOURCE', 'no ACME client was found in the usual directories', {
      advice: 'Install one first, or give its directory: certferry setup --source certbot=DIR.',
    })
  const all = found.map(({ client }) => client)
  if (!ask) return all
  if (!more.length) {
    if (await yes(ask, `Found ${clientText(only)}. Upload them?`)) return all
    throw new Fault('USAGE', 'no client was chosen, and nothing was changed')
  }
  const every = all.length === 2 ? 'both' : 'all'
  const question = `Found ${found.map(clientText).join(' and ')}. Upload ${every}, or one?`
  const choice = await oneOf(ask, question, [every, ...all])
  return choice === every ? all : [clientNamed(choice)]
}

const clientText = ({ client, directory, certificates }: ClientFound) =>
  `${client} in ${directory} (${certificates} certificate${certificates === 1 ? '' : 's'})`

const clientNamed = (word: string): FolderKind => {
  const client = FOLDER_KINDS.find(name => name === word)
  if (client) return client
  throw new Fault('USAGE', `--client: ${choiceProblem(word, FOLDER_KINDS)}`)
}

/**
 * The endpoint of the account's site; undefined: as the configuration has it. An endpoint that is neither site's stays without a
 * question. @throws Fault USAGE.
 */
export async function chosenEndpoint(
  { site, endpoint }: CommandLine,
  { config }: HostSurvey,
  ask: Ask | undefined,
): Promise<string | undefined> {
  if (site && endpoint) throw new Fault('USAGE', 'setup takes --site or --endpoint, not both')
  if (endpoint) return endpoint
  const present = config.tencent?.endpoint ?? SITES.mainland
  const names = Object.keys(SITES) as readonly Site[]
  const current = names.find(name => SITES[name] === present.replace(/\/$/, ''))
  const chosen =
    site ??
    (ask && current
      ? await oneOf(
          ask,
          'Which site is the account on: mainland (cloud.tencent.com) or international\n(tencentcloud.com)?',
          [current, ...names.filter(name => name !== current)],
        )
      : undefined)
  return chosen === undefined || chosen === current ? undefined : SITES[chosen]
}

/** @throws Fault USAGE for a service on a host without its unit. */
export async function chosenMode(
  { daemon, hook }: CommandLine,
  hasUnit: boolean,
  ask: Ask | undefined,
): Promise<SetupChoices['mode']> {
  if (daemon && hook) throw new Fault('USAGE', 'setup takes --daemon or --hook, not both')
  if (daemon && !hasUnit)
    throw new Fault('USAGE', 'systemd has no certferry.service on this machine', {
      advice: 'Install the Debian package, copy the units (docs/operating.md), or use --hook.',
    })
  if (daemon) return 'daemon'
  if (hook || !hasUnit) return 'hook'
  if (!ask) return 'daemon'
  const choice = await oneOf(ask, 'Run as a service, or as a hook of the ACME client?', ['service', 'hook'])
  return choice === 'hook' ? 'hook' : 'daemon'
}

/** Undefined: as the configuration has it. */
export async function chosenReplace(
  { replace }: CommandLine,
  { config }: HostSurvey,
  ask: Ask | undefined,
): Promise<true | undefined> {
  if (replace) return true
  if (!ask || config.deploy?.replace) return undefined
  const question =
    'Put renewed certificates in place of older ones on load balancers and CDN\ndomains too? It changes live traffic and needs more rights.'
  return (await yes(ask, question, false)) || undefined
}

/** `usual` is the answer that Enter gives, and that of a run without questions. */
export async function yes(ask: Ask | undefined, question: string, usual = true): Promise<boolean> {
  if (!ask) return usual
  for (let why = ''; ; why = 'Answer y for yes, n for no, or Enter.\n') {
    const answer = await ask(`${why}${question} ${usual ? '[Y/n]' : '[y/N]'} `)
    if (answer === '') return usual
    if (/^y(es)?$/i.test(answer)) return true
    if (/^no?$/i.test(answer)) return false
  }
}

/** Asks until the answer begins one of the words; Enter is the first. */
/** The first is the usual one, which begins with a capital as the Y of `yes` does. */
async function oneOf<Word extends string>(ask: Ask, question: string, words: readonly Word[]): Promise<Word> {
  const shown = words.join('/').replace(/^./, first => first.toUpperCase())
  for (let why = ''; ; why = `Answer ${words.join(' or ')}; Enter is ${words[0]}.\n`) {
    const answer = (await ask(`${why}${question} [${shown}] `)).toLowerCase()
    const found = words.find(word => word.startsWith(answer))
    if (found !== undefined) return found
  }
}
