/** Finds calls of certferry in a client's own files, in its hook scripts and in the cron lines that start it. */
import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSamePlace } from '../files/fileSystem.ts'
import { acmeConf, type ClientHome, textOf } from './clientHome.ts'
import { CLIENTS, type FolderKind } from './clients.ts'
import type { CronLine } from './crontab.ts'
import {
  acmeSetting,
  callIn,
  iniValues,
  optionIn,
  pathsIn,
  starts,
  type TimedCall,
  type Verb,
} from './hookCommand.ts'
import { HOOK_FILES, type Program } from './hookScripts.ts'

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

/** A file in which a client may be configured to call certferry. */
interface HookPlace {
  readonly where: string
  /** Commands in the file; undefined if the file is a script itself. */
  readonly commands?: readonly string[]
  /** Those that upload when they are called from here. */
  readonly verbs: readonly Verb[]
  readonly name?: string | undefined
}

/** Caddy and Traefik call no hooks; uacme calls its hook for challenges only. */
const HOOK_PLACES: Readonly<
  Partial<Record<FolderKind, (client: ClientFiles) => Promise<readonly HookPlace[]>>>
> = {
  certbot: certbotPlaces,
  'acme.sh': acmePlaces,
  lego: legoPlaces,
  dehydrated: dehydratedPlaces,
}

const BOTH: readonly Verb[] = ['hook', 'sync']

/** certbot passes no certificate to its post hooks. */
const SYNC: readonly Verb[] = ['sync']

export async function ownHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const places = (await HOOK_PLACES[client.kind]?.(client)) ?? []
  const found = await Promise.all(places.map(place => hooksAt(place, client.program)))
  const timed = client.timed
    .filter(({ config }) => config === undefined || isSamePlace(config, client.directory))
    .map(({ unit, program }) => ({ where: unit, program }))
  return [...found.flat(), ...timed]
}

/** The commands that call certferry, or start a script that does. */
async function hooksAt(
  { where, commands, verbs, name }: HookPlace,
  program: Program,
): Promise<readonly OwnHook[]> {
  if (!commands) return inScript(where, verbs, program)
  const hooks: OwnHook[] = []
  for (const text of commands) {
    const called = callIn(text, verbs, program)
    if (called !== undefined) hooks.push({ where, program: called, name })
    else for (const path of pathsIn(text)) hooks.push(...(await inScript(path, verbs, program, name)))
  }
  return hooks
}

/** Searches the script itself, not the scripts it starts. */
async function inScript(path: string, verbs: readonly Verb[], program: Program, name?: string) {
  const found = (await isAllowed(path, constants.X_OK)) && callIn(await textOf(path), verbs, program)
  return found ? [{ where: path, program: found, name }] : []
}

async function certbotPlaces(client: ClientFiles): Promise<readonly HookPlace[]> {
  const { directory, names, userHome, lines } = client
  const places: HookPlace[] = []
  for (const name of names) {
    const where = join(directory, 'renewal', `${name}.conf`)
    const text = await textOf(where)
    places.push({ where, name, commands: iniValues(text, 'renew_hook'), verbs: BOTH })
    places.push({ where, name, commands: iniValues(text, 'post_hook'), verbs: SYNC })
  }
  for (const where of iniFiles(client)) {
    const text = await textOf(where)
    places.push({ where, commands: iniValues(text, '(?:deploy|renew)-hook'), verbs: BOTH })
    places.push({ where, commands: iniValues(text, 'post-hook'), verbs: SYNC })
  }
  for (const { file: where, text } of lines) {
    if (!starts(text, 'certbot') || !/\srenew\b/.test(text)) continue
    const config = optionIn(text, '--config-dir') ?? CLIENTS.certbot.directory(userHome)
    if (!isSamePlace(config, directory)) continue
    const name = optionIn(text, '--cert-name')
    const deploy = optionIn(text, '--deploy-hook', '--renew-hook')
    places.push({ where, name, commands: [deploy ?? []].flat(), verbs: BOTH })
    places.push({ where, name, commands: [optionIn(text, '--post-hook') ?? []].flat(), verbs: SYNC })
  }
  if (await hooksDisabledBy(client)) return places
  return [
    ...places,
    ...(await folderPlaces(directory, 'deploy', BOTH)),
    ...(await folderPlaces(directory, 'post', SYNC)),
  ]
}

/** certbot ignores backup copies of an editor. */
async function folderPlaces(directory: string, folder: string, verbs: readonly Verb[]) {
  const path = join(directory, 'renewal-hooks', folder)
  const names = await readdir(path).catch(() => [])
  return names
    .filter(name => !name.endsWith('~') && !(folder === 'deploy' && name === HOOK_FILES.certbot.name))
    .map(name => ({ where: join(path, name), verbs }))
}

const iniFiles = ({ directory, userHome }: ClientFiles) => [
  join(userHome, '.config/letsencrypt/cli.ini'),
  ...(isSamePlace(directory, CLIENTS.certbot.directory('')) ? [join(directory, 'cli.ini')] : []),
]

/** The file that disables the hooks in certbot's folder (no-directory-hooks), if any. */
export async function hooksDisabledBy(client: ClientFiles): Promise<string | undefined> {
  for (const file of iniFiles(client))
    if (iniValues(await textOf(file), 'no-directory-hooks').some(value => /^(true|yes|1)$/i.test(value)))
      return file
  return undefined
}

async function acmePlaces({ names, directory }: ClientFiles): Promise<readonly HookPlace[]> {
  const places = names.map(async name => {
    const where = acmeConf(directory, name)
    const text = await textOf(where)
    const keys = ['Le_ReloadCmd', 'Le_RenewHook', 'Le_PostHook']
    return { where, name, commands: keys.flatMap(key => acmeSetting(text, key) ?? []), verbs: BOTH }
  })
  return Promise.all(places)
}

/** dehydrated starts its hook as one path, without arguments of its own. */
async function dehydratedPlaces({ home }: ClientFiles): Promise<readonly HookPlace[]> {
  const hook = home?.dehydrated?.hook
  return hook?.startsWith('/') ? [{ where: hook, verbs: BOTH }] : []
}

/** lego 4 has one hook for renewals and another for first certificates; lego 5 has one for both. */
async function legoPlaces({ lines, directory }: ClientFiles): Promise<readonly HookPlace[]> {
  const mine = lines.filter(({ text }) => {
    const path = optionIn(text, '--path')
    // the default is a folder in the directory where lego is started
    const isHere = path === undefined ? /\/\.lego\/?$/.test(directory) : isSamePlace(path, directory)
    return starts(text, 'lego') && isHere
  })
  return mine.map(({ file, text }) => {
    const names = /\srenew\b/.test(text) ? ['--renew-hook'] : ['--deploy-hook', '--run-hook']
    return { where: file, commands: [optionIn(text, ...names) ?? []].flat(), verbs: BOTH }
  })
}

const isAllowed = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  )

const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Whether a hook can start its program. A path that contains a variable is assumed to be right. */
export async function isStartable(program: string): Promise<boolean> {
  if (program.includes('$')) return true
  const paths = program.includes('/') ? [program] : PATH.map(folder => join(folder, program))
  const found = paths.map(path => isAllowed(path, /\.c?js$/.test(path) ? constants.R_OK : constants.X_OK))
  return (await Promise.all(found)).includes(true)
}
