/** The directory where a client looks for its hooks, which may differ from that of its certificates, and its configuration. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSamePlace, isThere } from '../files/fileSystem.ts'
import { readTextFile } from '../files/readFile.ts'
import { CLIENTS, domainOf, type HookFileClient } from './clients.ts'
import { acmeSetting, optionIn, starts } from './hookCommand.ts'
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

interface DehydratedConfig {
  /** The main file. */
  readonly file: string
  /** The directory of its certificates. */
  readonly certificates: string
  /** CONFIG_D, from which it reads further files. */
  readonly folder: string | undefined
  /** HOOK, if it names another program than the installed hook. */
  readonly hook?: string | undefined
  /** The file that sets HOOK. */
  readonly hookIn?: string | undefined
}

/** Finds the client's home by the directory of its certificates; undefined if nothing on this host names it. */
export const homeOf = (
  client: HookFileClient,
  directory: string,
  host: HostContext,
): Promise<ClientHome | undefined> => HOME_FINDERS[client](directory, host)

const HOME_FINDERS: Readonly<
  Record<HookFileClient, (directory: string, host: HostContext) => Promise<ClientHome | undefined>>
> = {
  certbot: async directory => ({ home: directory }),
  'acme.sh': acmeHome,
  dehydrated: dehydratedHome,
}

/** acme.sh looks for hooks in its --home; it keeps certificates in --cert-home, else in --config-home, else in --home. */
async function acmeHome(
  directory: string,
  { env, home, lines }: HostContext,
): Promise<ClientHome | undefined> {
  const usual = CLIENTS['acme.sh'].directory(home)
  const exported = env.LE_WORKING_DIR
    ? [{ home: env.LE_WORKING_DIR, config: env.LE_CONFIG_HOME, certs: env.CERT_HOME }]
    : []
  const started = lines
    .filter(line => starts(line, 'acme.sh'))
    .map(line => ({
      home: optionIn(line, '--home') ?? usual,
      config: optionIn(line, '--config-home'),
      certs: optionIn(line, '--cert-home', '--certhome'),
    }))
  const installed = [directory, usual]
    .filter(one => one === usual || isThere(join(one, 'acme.sh')))
    .map(home => ({ home, config: undefined, certs: undefined }))
  for (const { home, ...given } of [...exported, ...started, ...installed]) {
    const settings = await textOf(join(home, 'acme.sh.env'))
    const config = given.config ?? acmeSetting(settings, 'export LE_CONFIG_HOME')
    const kept = config ?? home
    const account = await textOf(join(kept, 'account.conf'))
    const certificates = given.certs ?? acmeSetting(account, 'CERT_HOME') ?? kept
    if (isSamePlace(certificates, directory)) return { home, config }
  }
  return undefined
}

/** At most 256 KiB: scripts and configuration files are much smaller. Empty if it cannot be read. */
export const textOf = (path: string): Promise<string> =>
  readTextFile(path, { most: 1 << 18 }).then(
    ({ text }) => text,
    () => '',
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
  const named = started.flatMap(({ config, ...more }) => (config ? [{ config, ...more }] : []))
  // without --config dehydrated takes the first of the usual ones
  const unnamed = started.find(({ config }) => config === undefined)
  const usual = ['/etc/dehydrated/config', '/usr/local/etc/dehydrated/config', join(directory, '../config')]
  for (const { config, certs, hook } of [...named, ...usual.map(config => ({ ...unnamed, config }))]) {
    if (!isThere(config)) continue
    const found = await dehydratedConfig(config)
    if (!isSamePlace(certs ?? found.certificates, directory)) continue
    return { home: dirname(config), dehydrated: hook ? { ...found, hook, hookIn: hook } : found }
  }
  return undefined
}

async function dehydratedConfig(file: string): Promise<DehydratedConfig> {
  const values = new Map([['BASEDIR', dirname(file)]])
  let hookIn: string | undefined
  const read = async (path: string) => {
    // assignments of a shell file, without quotes
    const assignments = /^\s*(?:export\s+)?([A-Z_]+)=(["']?)(.*?)\2\s*(?:#.*)?$/gm
    for (const [, key = '', , value = ''] of (await textOf(path)).matchAll(assignments)) {
      values.set(key, expand(value, values))
      if (key === 'HOOK') hookIn = value ? path : undefined
    }
  }
  await read(file)
  const folder = values.get('CONFIG_D') || undefined
  const more = folder ? await readdir(folder).catch(() => []) : []
  for (const name of more.filter(name => name.endsWith('.sh')).sort())
    if (folder && name !== HOOK_FILES.dehydrated.name) await read(join(folder, name))
  const certificates = values.get('CERTDIR') || join(values.get('BASEDIR') ?? '', 'certs')
  return { file, certificates, folder, hook: values.get('HOOK') || undefined, hookIn }
}

const expand = (value: string, values: ReadonlyMap<string, string>) =>
  value.replace(/\$(?:\{([A-Z_]+)\}|([A-Z_]+))/g, (all, braced, bare) => values.get(braced ?? bare) ?? all)

/** The home given by --home. */
export async function namedHome(client: HookFileClient, home: string): Promise<ClientHome> {
  if (client !== 'dehydrated') return { home }
  return { home, dehydrated: await dehydratedConfig(join(home, 'config')) }
}

/** The path at which the client finds the hook. */
export const hookPath = (client: HookFileClient, { home, dehydrated }: ClientHome): string =>
  join(dehydrated?.folder ?? join(home, HOOK_FILES[client].folder), HOOK_FILES[client].name)

/** A certificate of acme.sh. Its configuration is a shell file, which is read and never run. */
interface AcmeCertificate {
  readonly name: string
  readonly conf: string
  /** The deploy hooks that acme.sh runs for it, in order. */
  readonly hooks: readonly string[]
}

/** Whether acme.sh runs the installed hook for it. */
export const isDeploying = ({ hooks }: AcmeCertificate) => hooks.includes('certferry')

export const acmeConf = (directory: string, name: string) => join(directory, name, `${domainOf(name)}.conf`)

export async function acmeCertificates(directory: string): Promise<readonly AcmeCertificate[]> {
  const names = await readdir(directory).catch(() => [])
  const found = names.map(async name => {
    const conf = acmeConf(directory, name)
    const { text } = await readTextFile(conf).catch(() => ({ text: undefined }))
    if (text === undefined) return []
    const hooks = (acmeSetting(text, 'Le_DeployHook') ?? '').split(',').filter(Boolean)
    return [{ name, conf, hooks }]
  })
  return (await Promise.all(found)).flat()
}

/** The arguments by which acme.sh of that home is called. */
export function deploymentIn({ home, config }: ClientHome, userHome: string) {
  const script = join(home, 'acme.sh')
  return {
    script: isThere(script) ? script : undefined,
    home: isSamePlace(home, CLIENTS['acme.sh'].directory(userHome)) ? undefined : home,
    config: config !== undefined && !isSamePlace(config, home) ? config : undefined,
  }
}
