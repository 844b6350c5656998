/** The hooks by which a client's own files, and the lines for cron that start it, call certferry without a file of ours. */
import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readTextFile } from '../files/readFile.ts'
import { isSamePlace } from '../files/samePlace.ts'
import type { TimedCall } from './certbotTimers.ts'
import type { ClientHome } from './clientHome.ts'
import { DEFAULT_DIRECTORY, type FolderKind } from './clients.ts'
import {
  acmeSetting,
  callIn,
  iniValues,
  optionIn,
  type Program,
  pathsIn,
  starts,
  type Verb,
} from './hookCommand.ts'
import { HOOK_FILES } from './hookScripts.ts'

export interface CronLine {
  readonly file: string
  /** Who owns the file. */
  readonly uid: number
  readonly text: string
}

export interface OwnHook {
  /** The file in which it stands. */
  readonly where: string
  /** What it starts, a path or a name; undefined in a file of ours, whose paths are known. */
  readonly program: string | undefined
  /** The only certificate that it is called for; undefined where it is called for each. */
  readonly name?: string | undefined
}

export interface ClientFiles {
  readonly kind: FolderKind
  /** Of its certificates. */
  readonly directory: string
  readonly names: readonly string[]
  readonly home: ClientHome | undefined
  /** Of the user. */
  readonly userHome: string
  readonly lines: readonly CronLine[]
  /** By systemd's timers of certbot. */
  readonly timed: readonly TimedCall[]
  readonly program: Program
}

export async function ownHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  if (client.kind === 'certbot') return certbotHooks(client)
  if (client.kind === 'acme.sh') return acmeHooks(client)
  if (client.kind === 'dehydrated') return dehydratedHooks(client)
  return client.kind === 'lego' ? legoHooks(client) : []
}

const BOTH: readonly Verb[] = ['hook', 'sync']

/** certbot tells these of no certificate. */
const SYNC: readonly Verb[] = ['sync']

async function certbotHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const { directory, names, userHome, lines } = client
  const conf = names.map(async name => {
    const where = join(directory, 'renewal', `${name}.conf`)
    const text = await textOf(where)
    return [
      ...(await called(
        client,
        where,
        [iniValues(text, 'renew_hook'), BOTH],
        [iniValues(text, 'post_hook'), SYNC],
      )),
    ].map(hook => ({ ...hook, name }))
  })
  const ini = iniFiles(client).map(async where => {
    const text = await textOf(where)
    return called(
      client,
      where,
      [iniValues(text, '(?:deploy|renew)-hook'), BOTH],
      [iniValues(text, 'post-hook'), SYNC],
    )
  })
  const cron = lines
    .filter(({ text }) => starts(text, 'certbot') && /\srenew\b/.test(text))
    .filter(({ text }) =>
      isSamePlace(optionIn(text, '--config-dir') ?? DEFAULT_DIRECTORY.certbot(userHome), directory),
    )
    .map(async ({ file, text }) => {
      const hooks = await called(
        client,
        file,
        [values(text, '--deploy-hook', '--renew-hook'), BOTH],
        [values(text, '--post-hook'), SYNC],
      )
      return hooks.map(hook => ({ ...hook, name: optionIn(text, '--cert-name') }))
    })
  const folders = (await unlessPassedOver(client))
    ? [inFolder(client, 'deploy', BOTH), inFolder(client, 'post', SYNC)]
    : []
  const timed = client.timed
    .filter(({ config }) => config === undefined || isSamePlace(config, directory))
    .map(({ unit, program }) => ({ where: unit, program }))
  return [...(await Promise.all([...conf, ...ini, ...cron, ...folders])).flat(), ...timed]
}

const iniFiles = ({ directory, userHome }: Pick<ClientFiles, 'directory' | 'userHome'>) => [
  join(userHome, '.config/letsencrypt/cli.ini'),
  ...(isSamePlace(directory, DEFAULT_DIRECTORY.certbot('')) ? [join(directory, 'cli.ini')] : []),
]

/** The file that tells certbot to run no hooks of its folder, if any does. */
export async function passingOver(
  client: Pick<ClientFiles, 'directory' | 'userHome'>,
): Promise<string | undefined> {
  for (const file of iniFiles(client))
    if (iniValues(await textOf(file), 'no-directory-hooks').some(value => /^(true|yes|1)$/i.test(value)))
      return file
  return undefined
}

const unlessPassedOver = async (client: ClientFiles) => (await passingOver(client)) === undefined

/** As certbot runs them: executable, and no editor's copy. */
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
    return (await called(client, where, [commands, BOTH])).map(hook => ({ ...hook, name }))
  })
  return (await Promise.all(found)).flat()
}

const acmeConf = (directory: string, name: string) =>
  join(directory, name, `${name.replace(/_ecc$/, '')}.conf`)

/** dehydrated starts its hook as one word, a path. */
async function dehydratedHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const hook = client.home?.dehydrated?.hook
  return hook?.startsWith('/') ? inScript(client, hook, BOTH) : []
}

/** lego 4 has a hook for renewals and another for first certificates; lego 5 has one for both. */
async function legoHooks(client: ClientFiles): Promise<readonly OwnHook[]> {
  const { lines, directory } = client
  const found = lines
    .filter(({ text }) => starts(text, 'lego'))
    .filter(({ text }) => {
      const path = optionIn(text, '--path')
      // by itself it takes a folder where it is started
      return path === undefined ? /\/\.lego\/?$/.test(directory) : isSamePlace(path, directory)
    })
    .map(({ file, text }) => {
      const of = /\srenew\b/.test(text) ? ['--renew-hook'] : ['--deploy-hook', '--run-hook']
      return called(client, file, [values(text, ...of), BOTH])
    })
  return (await Promise.all(found)).flat()
}

const values = (line: string, ...names: readonly string[]): readonly string[] => {
  const value = optionIn(line, ...names)
  return value === undefined ? [] : [value]
}

/** Those commands that call certferry, or start a script that does. */
async function called(
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

/** What a script calls itself; not what it starts in its turn. */
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

/** Of a script nobody writes more. */
const textOf = (path: string): Promise<string> =>
  readTextFile(path, { most: 1 << 18 }).then(
    ({ text }) => text,
    () => '',
  )

const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Whether a hook can start its program. A path that a variable is part of is believed. */
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
