/** `certferry install-hook`: makes an ACME client call the hook at every renewal, or no longer. */
import { dirname, join, relative, resolve } from 'node:path'
import { type ClientHome, deploymentIn, homeOf, hookPath, namedHome } from '../acme/clientHome.ts'
import { DEFAULT_DIRECTORY, FOLDER_KINDS, type FolderKind } from '../acme/clients.ts'
import {
  acmeCertificates,
  isDeploying,
  readHook,
  removeHook,
  requireDirectory,
  writeHook,
} from '../acme/hookFiles.ts'
import {
  adviceFor,
  adviceText,
  deployCommand,
  type Installation,
  installationText,
} from '../acme/hookMessages.ts'
import { CLIENTS, type Client, HOOK_FILES, planInstall, planRemoval } from '../acme/hookScripts.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { loadConfig } from '../config/load.ts'
import { resolveSettings, type Settings } from '../config/settings.ts'
import { cronLines, isRunFor } from '../doctor/machine.ts'
import { Fault } from '../errors.ts'
import { currentUser } from '../files/permissions.ts'
import { isThere } from '../files/samePlace.ts'
import type { ProcessContext } from '../processContext.ts'
import { jsonLine, programWords, quoteShell } from '../terminal/text.ts'

export async function run(world: ProcessContext, line: CommandLine): Promise<number> {
  const client = clientOf(line.operands)
  if (!isHooked(client)) {
    const advice = adviceFor(client, world.program)
    world.stdout.write(line.json ? jsonLine({ client, ...advice, exit: 0 }) : adviceText(advice))
    return 0
  }
  const installation = await installed(world, line, client)
  world.stdout.write(line.json ? jsonLine({ ...installation, exit: 0 }) : installationText(installation))
  return 0
}

/** Puts the hook in its place or, with `--remove`, takes it away. */
export async function installed(
  world: ProcessContext,
  line: CommandLine,
  client: Client,
): Promise<Installation> {
  const { env } = world
  const { config } = await loadConfig(line.config, world)
  // settled before anything is written: a hook that is given nonsense would say so only at the next renewal
  const directory = directoryOf(client, resolveSettings(line, env, config), line, world.home)
  const home = await clientHome(client, directory, line, world)
  const file = hookPath(client, home)
  await requireDirectory(home.home, relative(home.home, dirname(file)))
  const place = { client, directory, home, file }
  if (client === 'dehydrated' && !line.remove) requireRoom(place, world.program)
  return line.remove ? remove(line, place) : install(world, line, place)
}

interface Place {
  readonly client: Client
  /** Of its certificates. */
  readonly directory: string
  readonly home: ClientHome
  /** The hook. */
  readonly file: string
}

/** The one named, or the one that the client is seen to use. @throws Fault USAGE where nothing tells. */
async function clientHome(
  client: Client,
  directory: string,
  line: CommandLine,
  world: ProcessContext,
): Promise<ClientHome> {
  if (line.home !== undefined) return namedHome(client, resolve(world.cwd, line.home))
  const found = await homeOf(client, directory, { ...world, lines: await believedLines() })
  if (found) return found
  if (!isThere(directory)) await requireDirectory(directory, '')
  throw new Fault(
    'USAGE',
    `${directory}: nothing tells where ${client} with these certificates looks for its hooks`,
    {
      advice: `Name the folder of its ${client === 'acme.sh' ? 'installation, which is its --home' : 'file config'}: --home DIR.`,
    },
  )
}

async function believedLines(): Promise<readonly string[]> {
  const user = currentUser()
  return (await cronLines()).filter(line => isRunFor(line, user)).map(({ text }) => text)
}

/** @throws Fault where dehydrated would not read the file, or has another hook, which stays. */
function requireRoom({ file, home: { home, dehydrated } }: Place, program: ProcessContext['program']): void {
  const { folder, hookIn } = dehydrated ?? {}
  if (folder === undefined)
    throw new Fault(
      'CONFIG_INVALID',
      `${dehydrated?.file ?? join(home, 'config')}: dehydrated reads no files of ${dirname(file)}`,
      { advice: `Add the line CONFIG_D=${quoteShell(dirname(file))} to it.` },
    )
  if (hookIn !== undefined)
    throw new Fault('NAME_CONFLICT', `${hookIn}: names a hook, and dehydrated has only one`, {
      advice: `Add a line to that hook, and let it end with 0: ${programWords(program)} hook "$@" || :`,
    })
}

async function install(
  world: ProcessContext,
  line: CommandLine,
  { client, directory, home, file }: Place,
): Promise<Installation> {
  const { mode, text } = HOOK_FILES[client]
  const wanted = { mode, text: text({ ...world.program, options: hookOptions(line, world.cwd) }) }
  const outcome = planInstall(file, wanted, await readHook(file))
  const dryRun = line.dryRun ?? false
  if (outcome !== 'unchanged' && !dryRun) await writeHook(file, wanted)
  const next = client === 'acme.sh' ? await deployCommands(directory, home, world.home) : null
  return { client, file, outcome, dryRun, text: wanted.text, next, namedBy: [] }
}

async function remove(line: CommandLine, { client, directory, file }: Place): Promise<Installation> {
  const outcome = planRemoval(file, await readHook(file))
  const dryRun = line.dryRun ?? false
  if (outcome === 'removed' && !dryRun) await removeHook(file)
  const naming = (await acmeCertificates(client === 'acme.sh' ? directory : '')).filter(isDeploying)
  const namedBy = naming.map(({ conf }) => conf)
  return { client, file, outcome, dryRun, text: null, next: null, namedBy }
}

/** One for each certificate that does not call it yet; where there is none, the form of it. */
async function deployCommands(directory: string, home: ClientHome, userHome: string): Promise<string | null> {
  const certificates = await acmeCertificates(directory)
  const missing = certificates.filter(one => !isDeploying(one))
  if (certificates.length && !missing.length) return null
  const about = deploymentIn(home, userHome)
  const wanted = missing.length ? missing : [{ name: 'NAME_ecc', hooks: [] }]
  return wanted.map(({ name, hooks }) => deployCommand({ ...about, name, hooks })).join('\n')
}

function clientOf([word, ...more]: readonly string[]): FolderKind {
  const client = FOLDER_KINDS.find(client => client === word)
  if (client && !more.length) return client
  throw new Fault('USAGE', `install-hook needs one word, one of ${FOLDER_KINDS.join(', ')}`)
}

export const isHooked = (client: FolderKind): client is Client => CLIENTS.some(one => one === client)

function directoryOf(client: Client, { sources }: Settings, line: CommandLine, home: string): string {
  const found = sources.flatMap(source => (source.kind === client ? [resolve(source.path)] : []))
  const [directory = DEFAULT_DIRECTORY[client](home), ...more] = new Set(found)
  if (more.length)
    throw new Fault(
      'USAGE',
      `there are several sources of kind ${client}: ${[directory, ...more].join(', ')}`,
      {
        advice: `Name one: --source ${client}=${directory}`,
      },
    )
  if (line.source?.length && !found.length)
    throw new Fault('USAGE', `--source names no directory of ${client}`, {
      advice: `Write --source ${client}=DIR, or leave --source out.`,
    })
  // certbot gives the path of a hook to /bin/sh as it is, so such a one would never run
  if (client === 'certbot' && !line.remove && !/^[\w@%+=:,./-]+$/.test(directory))
    throw new Fault(
      'CONFIG_INVALID',
      `${directory}: certbot cannot run hooks in a directory of such a name`,
      {
        advice:
          'Rename it without spaces and characters of the shell, or let `certferry sync` carry renewals.',
      },
    )
  return directory
}

/** What was given to install-hook, for a hook that runs elsewhere: paths absolute. */
function hookOptions(line: CommandLine, cwd: string): readonly string[] {
  const path = (text: string | undefined) => text && resolve(cwd, text)
  const given = {
    '--config': path(line.config),
    '--state-dir': path(line.stateDir),
    '--endpoint': line.endpoint,
    '--log-level': line.logLevel,
    '--rate': line.rate,
    '--deadline': line.deadline,
  }
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name, `${value}`]))
}
