/** Finds calls of certferry in a client's own files, in its hook scripts and in the cron lines that start it. */
import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readTextFile } from '../files/readFile.ts'
import { isSamePlace } from '../files/samePlace.ts'
import type { ClientHome } from './clientHome.ts'
import { CLIENTS, type FolderKind } from './clients.ts'
import {
  acmeSetting,
  callIn,
  iniValues,
  optionIn,
  type Program,
  pathsIn,
  starts,
  type TimedCall,
  type Verb,
} from './hookCommand.ts'
import { acmeConf } from './hookFiles.ts'
import { HOOK_FILES } from './hookScripts.ts'

export interface CronLine {
  readonly file: string
  /** The owner of the file. */
  readonly uid: number
  readonly text: string
}

export interface OwnHook {
  /** The file or unit that calls certferry. */
  readonly where: string
  /** The path or name of the program it starts; undefined in the installed hook, whose paths are known. */
  readonly program: string | undefined
  /** The only certificate it is called for; undefined if it is called for all. */
  readonly name?: string | undefined
}

export interface ClientFiles {
  readonly kind: FolderKind
  /** The directory of its certificates. */
  readonly directory: string
  readonly names: readonly string[]
  readonly home: ClientHome | undefined
  /** The user's home directory. */
  readonly userHome: string
  readonly lines: readonly CronLine[]
  /** Calls by systemd units of certbot. */
  readonly timed: readonly TimedCall[]
  readonly program: Program
}

export const ownHooks = (client: ClientFiles): Promise<readonly OwnHook[]> =>
  HOOK_FINDERS[client.kind](client)

type HookFinder = (client: ClientFiles) => Promise<readonly OwnHook[]>

/** Caddy and Traefik call no hooks; uacme calls its hook for challenges only. */
const noHooks: HookFinder = async () => []

const HOOK_FINDERS: Readonly<Record<FolderKind, HookFinder>> = {
  certbot: certbotHooks,
  'acme.sh': acmeHooks,
  lego: legoHooks,
  dehydrated: dehydratedHooks,
  uacme: noHooks,
  caddy: noHooks,
  traefik: noHooks,
}

const BOTH: readonly Verb[] = ['hook', 'sync']

/** certbot passes no certificate to its post hooks. */
const SYNC: readonly Verb[] = ['sync']

async function certbotHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const { directory, names, userHome, lines } = client
  const conf = names.map(async name => {
    const where = join(directory, 'renewal', `${name}.conf`)
    const text = await textOf(where)
    const hooks = await callsIn(
      client,
      where,
      [iniValues(text, 'renew_hook'), BOTH],
      [iniValues(text, 'post_hook'), SYNC],
    )
    return hooks.map(hook => ({ ...hook, name }))
  })
  const ini = iniFiles(client).map(async where => {
    const text = await textOf(where)
    return callsIn(
      client,
      where,
      [iniValues(text, '(?:deploy|renew)-hook'), BOTH],
      [iniValues(text, 'post-hook'), SYNC],
    )
  })
  const cron = lines
    .filter(({ text }) => starts(text, 'certbot') && /\srenew\b/.test(text))
    .filter(({ text }) =>
      isSamePlace(optionIn(text, '--config-dir') ?? CLIENTS.certbot.directory(userHome), directory),
    )
    .map(async ({ file, text }) => {
      const hooks = await callsIn(
        client,
        file,
        [values(text, '--deploy-hook', '--renew-hook'), BOTH],
        [values(text, '--post-hook'), SYNC],
      )
      return hooks.map(hook => ({ ...hook, name: optionIn(text, '--cert-name') }))
    })
  const disabled = await hooksDisabledBy(client)
  const folders = disabled ? [] : [inFolder(client, 'deploy', BOTH), inFolder(client, 'post', SYNC)]
  const timed = client.timed
    .filter(({ config }) => config === undefined || isSamePlace(config, directory))
    .map(({ unit, program }) => ({ where: unit, program }))
  return [...(await Promise.all([...conf, ...ini, ...cron, ...folders])).flat(), ...timed]
}

const iniFiles = ({ directory, userHome }: Pick<ClientFiles, 'directory' | 'userHome'>) => [
  join(userHome, '.config/letsencrypt/cli.ini'),
  ...(isSamePlace(directory, CLIENTS.certbot.directory('')) ? [join(directory, 'cli.ini')] : []),
]

/** The file that disables the hooks in certbot's folder (no-directory-hooks), if any. */
export async function hooksDisabledBy(
  client: Pick<ClientFiles, 'directory' | 'userHome'>,
): Promise<string | undefined> {
  for (const file of iniFiles(client))
    if (iniValues(await textOf(file), 'no-directory-hooks').some(value => /^(true|yes|1)$/i.test(value)))
      return file
  return undefined
}

/** As certbot does, only executable files are considered, and no backup copies of an editor. */
async function inFolder(
  client: ClientFiles,
  folder: string,
  verbs: readonly Verb[],
): Promise<readonly OwnHook[]> {
  const path = join(client.directory, 'renewal-hooks', folder)
  const names = (await readdir(path).catch(() => [])).filter(
    name => !name.endsWith('~') && !(folder === 'deploy' && name === HOOK_FILES.certbot.name),
  )
  return (await Promise.all(names.map(name => inScript(client, join(path, name), verbs)))).flat()
}

async function acmeHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const found = client.names.map(async name => {
    const where = acmeConf(client.directory, name)
    const text = await textOf(where)
    const commands = ['Le_ReloadCmd', 'Le_RenewHook', 'Le_PostHook'].flatMap(
      key => acmeSetting(text, key) ?? [],
    )
    return (await callsIn(client, where, [commands, BOTH])).map(hook => ({ ...hook, name }))
  })
  return (await Promise.all(found)).flat()
}

/** dehydrated starts its hook as one path, without arguments of its own. */
async function dehydratedHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const hook = client.home?.dehydrated?.hook
  return hook?.startsWith('/') ? inScript(client, hook, BOTH) : []
}

/** lego 4 has one hook for renewals and another for first certificates; lego 5 has one for both. */
async function legoHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const { lines, directory } = client
  const found = lines
    .filter(({ text }) => starts(text, 'lego'))
    .filter(({ text }) => {
      const path = optionIn(text, '--path')
      // the default is a folder in the directory where lego is started
      return path === undefined ? /\/\.lego\/?$/.test(directory) : isSamePlace(path, directory)
    })
    .map(({ file, text }) => {
      const of = /\srenew\b/.test(text) ? ['--renew-hook'] : ['--deploy-hook', '--run-hook']
      return callsIn(client, file, [values(text, ...of), BOTH])
    })
  return (await Promise.all(found)).flat()
}

const values = (line: string, ...names: readonly string[]): readonly string[] => {
  const value = optionIn(line, ...names)
  return value === undefined ? [] : [value]
}

/** The commands that call certferry, or start a script that does. */
async function callsIn(
  client: ClientFiles,
  where: string,
  ...commands: ReadonlyArray<readonly [commands: readonly string[], verbs: readonly Verb[]]>
): Promise<readonly OwnHook[]> {
  const hooks: OwnHook[] = []
  for (const [texts, verbs] of commands)
    for (const text of texts) {
      const program = callIn(text, verbs, client.program)
      if (program !== undefined) hooks.push({ where, program })
      else for (const path of pathsIn(text)) hooks.push(...(await inScript(client, path, verbs)))
    }
  return hooks
}

/** Searches the script itself, not the scripts it starts. */
async function inScript(
  { program }: ClientFiles,
  path: string,
  verbs: readonly Verb[],
): Promise<readonly OwnHook[]> {
  const runs = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
  const found = runs ? callIn(await textOf(path), verbs, program) : undefined
  return found === undefined ? [] : [{ where: path, program: found }]
}

/** At most 256 KiB: scripts and configuration files are much smaller. */
const textOf = (path: string): Promise<string> =>
  readTextFile(path, { most: 1 << 18 }).then(
    ({ text }) => text,
    () => '',
  )

const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Whether a hook can start its program. A path that contains a variable is assumed to be right. */
export async function isStartable(program: string): Promise<boolean> {
  if (program.includes('$')) return true
  const paths = program.includes('/') ? [program] : PATH.map(folder => join(folder, program))
  const there = paths.map(path =>
    access(path, /\.c?js$/.test(path) ? constants.R_OK : constants.X_OK).then(
      () => true,
      () => false,
    ),
  )
  return (await Promise.all(there)).includes(true)
}
