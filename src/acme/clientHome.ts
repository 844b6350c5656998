/** Finds the directory where a client looks for its hooks, which may differ from that of its certificates. */
import { dirname, join } from 'node:path'
import { readTextFile } from '../files/readFile.ts'
import { isSamePlace, isThere } from '../files/samePlace.ts'
import { CLIENTS, type HookFileClient } from './clients.ts'
import { acmeSetting, optionIn, starts } from './hookCommand.ts'
import { type DehydratedConfig, dehydratedConfig } from './hookFiles.ts'
import { HOOK_FILES } from './hookScripts.ts'

interface HostContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. */
  readonly home: string
  /** The cron lines that run as this user or as root. */
  readonly lines: readonly string[]
}

export interface ClientHome {
  readonly home: string
  /** acme.sh's --config-home, if it differs from its home. */
  readonly config?: string | undefined
  readonly dehydrated?: DehydratedConfig
}

/** Finds the client's home by the directory of its certificates; undefined if nothing on this host names it. */
export const homeOf = (
  client: HookFileClient,
  directory: string,
  host: HostContext,
): Promise<ClientHome | undefined> => HOME_FINDERS[client](directory, host)

type HomeFinder = (directory: string, host: HostContext) => Promise<ClientHome | undefined>

const HOME_FINDERS: Readonly<Record<HookFileClient, HomeFinder>> = {
  certbot: async directory => ({ home: directory }),
  'acme.sh': acmeHome,
  dehydrated: dehydratedHome,
}

interface Homes {
  readonly home: string
  readonly config?: string | undefined
  readonly certs?: string | undefined
}

/** acme.sh looks for hooks in its --home; it keeps certificates in --cert-home, else in --config-home, else in --home. */
async function acmeHome(
  directory: string,
  { env, home, lines }: HostContext,
): Promise<ClientHome | undefined> {
  const usual = CLIENTS['acme.sh'].directory(home)
  const exported: readonly Homes[] = env.LE_WORKING_DIR
    ? [{ home: env.LE_WORKING_DIR, config: env.LE_CONFIG_HOME, certs: env.CERT_HOME }]
    : []
  const started = lines
    .filter(line => starts(line, 'acme.sh'))
    .map(line => ({
      home: optionIn(line, '--home') ?? usual,
      config: optionIn(line, '--config-home'),
      certs: optionIn(line, '--cert-home', '--certhome'),
    }))
  const installed = [directory, usual].filter(one => one === usual || isThere(join(one, 'acme.sh')))
  const candidates: readonly Homes[] = [...exported, ...started, ...installed.map(home => ({ home }))]
  for (const { certs, ...homes } of candidates) {
    const config = homes.config ?? (await settingIn(join(homes.home, 'acme.sh.env'), 'export LE_CONFIG_HOME'))
    const kept = config ?? homes.home
    const certificates = certs ?? (await settingIn(join(kept, 'account.conf'), 'CERT_HOME')) ?? kept
    if (isSamePlace(certificates, directory)) return { home: homes.home, config }
  }
  return undefined
}

const settingIn = (file: string, key: string) =>
  readTextFile(file).then(
    ({ text }) => acmeSetting(text, key),
    () => undefined,
  )

/** Finds the configuration of dehydrated that keeps its certificates in this directory. */
async function dehydratedHome(directory: string, { lines }: HostContext): Promise<ClientHome | undefined> {
  const started = lines
    .filter(line => starts(line, 'dehydrated'))
    .map(line => ({
      config: optionIn(line, '--config', '-f'),
      certs: optionIn(line, '--out', '-o'),
      hook: optionIn(line, '--hook', '-k'),
    }))
  const usual = [
    '/etc/dehydrated/config',
    '/usr/local/etc/dehydrated/config',
    join(dirname(directory), 'config'),
  ]
  const named = started.flatMap(({ config, ...more }) => (config ? [{ config, ...more }] : []))
  // without --config dehydrated takes the first of the usual ones
  const unnamed = started.find(({ config }) => config === undefined)
  for (const { config, certs, hook } of [...named, ...usual.map(config => ({ ...unnamed, config }))]) {
    if (!isThere(config)) continue
    const settings = await dehydratedConfig(config)
    if (!isSamePlace(certs ?? settings.certificates, directory)) continue
    return {
      home: dirname(config),
      dehydrated: hook === undefined ? settings : { ...settings, hook, hookIn: hook },
    }
  }
  return undefined
}

/** The home given by --home. */
export async function namedHome(client: HookFileClient, home: string): Promise<ClientHome> {
  if (client !== 'dehydrated') return { home }
  return { home, dehydrated: await dehydratedConfig(join(home, 'config')) }
}

/** The path at which the client finds the hook. */
export const hookPath = (client: HookFileClient, { home, dehydrated }: ClientHome): string =>
  join(dehydrated?.folder ?? join(home, HOOK_FILES[client].folder), HOOK_FILES[client].name)

/** The arguments by which acme.sh of that home is called. */
export function deploymentIn({ home, config }: ClientHome, userHome: string) {
  const script = join(home, 'acme.sh')
  return {
    script: isThere(script) ? script : undefined,
    home: isSamePlace(home, CLIENTS['acme.sh'].directory(userHome)) ? undefined : home,
    config: config !== undefined && !isSamePlace(config, home) ? config : undefined,
  }
}
