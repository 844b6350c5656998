/** Where a client looks for its hooks, which is not always where its certificates lie. */
import { dirname, join } from 'node:path'
import { readTextFile } from '../files/readFile.ts'
import { isSamePlace, isThere } from '../files/samePlace.ts'
import { DEFAULT_DIRECTORY } from './clients.ts'
import { acmeSetting, optionIn, starts } from './hookCommand.ts'
import { type DehydratedConfig, dehydratedConfig } from './hookFiles.ts'
import { type Client, HOOK_FILES } from './hookScripts.ts'

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of the user. */
  readonly home: string
  /** Lines for cron that may be believed. */
  readonly lines: readonly string[]
}

export interface ClientHome {
  readonly home: string
  /** Where acme.sh keeps its configuration, where that is elsewhere. */
  readonly config?: string | undefined
  /** What dehydrated's configuration says. */
  readonly dehydrated?: DehydratedConfig
}

/** The client's own directory, by that of its certificates; undefined where nothing tells which one it uses. */
export async function homeOf(
  client: Client,
  directory: string,
  around: Surroundings,
): Promise<ClientHome | undefined> {
  if (client === 'certbot') return { home: directory }
  return client === 'acme.sh' ? acmeHome(directory, around) : dehydratedHome(directory, around)
}

interface Homes {
  readonly home: string
  readonly config?: string | undefined
  readonly certs?: string | undefined
}

/** acme.sh looks for hooks in its --home; certificates lie in its --cert-home, else in its --config-home, else there. */
async function acmeHome(
  directory: string,
  { env, home, lines }: Surroundings,
): Promise<ClientHome | undefined> {
  const usual = DEFAULT_DIRECTORY['acme.sh'](home)
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
  for (const { certs, ...homes } of [
    ...exported,
    ...started,
    ...installed.map(home => ({ home })),
  ] as readonly Homes[]) {
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

/** The first configuration that dehydrated takes whose certificates lie there. */
async function dehydratedHome(directory: string, { lines }: Surroundings): Promise<ClientHome | undefined> {
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
  // who names none takes the first of the usual ones
  const unnamed = started.find(({ config }) => config === undefined)
  for (const { config, certs, hook } of [...named, ...usual.map(config => ({ ...unnamed, config }))]) {
    if (!isThere(config)) continue
    const said = await dehydratedConfig(config)
    if (!isSamePlace(certs ?? said.certificates, directory)) continue
    return { home: dirname(config), dehydrated: hook === undefined ? said : { ...said, hook, hookIn: hook } }
  }
  return undefined
}

/** The home that the operator named. */
export const namedHome = async (client: Client, home: string): Promise<ClientHome> => ({
  home,
  ...(client === 'dehydrated' && { dehydrated: await dehydratedConfig(join(home, 'config')) }),
})

/** Where the client looks for a hook of ours. */
export const hookPath = (client: Client, { home, dehydrated }: ClientHome): string =>
  join(dehydrated?.folder ?? join(home, HOOK_FILES[client].folder), HOOK_FILES[client].name)

/** How acme.sh of that home is called. */
export function deploymentIn({ home, config }: ClientHome, userHome: string) {
  const script = join(home, 'acme.sh')
  return {
    script: isThere(script) ? script : undefined,
    home: isSamePlace(home, DEFAULT_DIRECTORY['acme.sh'](userHome)) ? undefined : home,
    config: config !== undefined && !isSamePlace(config, home) ? config : undefined,
  }
}
