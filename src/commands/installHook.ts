/** `certferry install-hook`: makes an ACME client call the hook at every renewal, or no longer. */
import { join, resolve } from 'node:path'
import { Fault } from '../core/fault.ts'
import { adviceFor, adviceText } from '../core/hookAdvice.ts'
import { CLIENTS, type Client, HOOK_FILES, installing, quoted, removing } from '../core/hookFile.ts'
import { deployCommand, type Installation, installationText } from '../core/hookNotice.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { FOLDER_KINDS, type FolderKind, USUAL } from '../core/lineage.ts'
import { type Settings, settle } from '../core/settings.ts'
import { loadConfig } from '../edge/configFile.ts'
import { dehydratedConfig } from '../edge/dehydratedConfig.ts'
import { lookAt, put, requireDirectory, stillNaming, takeAway } from '../edge/hookFile.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
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
export async function installed(world: World, line: CommandLine, client: Client): Promise<Installation> {
  const { env } = world
  const { config } = await loadConfig(line.config, world)
  // settled before anything is written: a hook that is given nonsense would say so only at the next renewal
  const directory = directoryOf(client, settle(line, env, config), line, world.home)
  const home = HOOK_FILES[client].home(directory)
  await requireDirectory(home, HOOK_FILES[client].folder)
  if (client === 'dehydrated' && !line.remove) await requireRoom(home)
  const place = { client, directory: home, isUsual: directory === USUAL[client](world.home) }
  return line.remove ? remove(line, place) : install(world, line, place)
}

interface Place {
  readonly client: Client
  /** The client's own. */
  readonly directory: string
  readonly isUsual: boolean
}

/** @throws Fault where dehydrated would not read the file, or has another hook, which stays. */
async function requireRoom(home: string): Promise<void> {
  const { folder, name } = HOOK_FILES.dehydrated
  const [wanted, { folder: read, hookIn }] = [join(home, folder), await dehydratedConfig(home, name)]
  if (read === undefined || resolve(read) !== wanted)
    throw new Fault('CONFIG_INVALID', `${join(home, 'config')}: dehydrated reads no files of ${wanted}`, {
      advice: `Add the line CONFIG_D=${quoted(wanted)} to it.`,
    })
  if (hookIn !== undefined)
    throw new Fault('NAME_TAKEN', `${hookIn}: names a hook, and dehydrated has only one`, {
      advice: 'Add a line to that hook, and let it end with 0: certferry hook "$@" || :',
    })
}

async function install(
  world: World,
  line: CommandLine,
  { client, directory, isUsual }: Place,
): Promise<Installation> {
  const { folder, name, mode, text } = HOOK_FILES[client]
  const file = join(directory, folder, name)
  const wanted = { mode, text: text({ ...world.program, options: hookOptions(line, world.cwd) }) }
  const outcome = installing(file, wanted, await lookAt(file))
  const dryRun = line.dryRun ?? false
  if (outcome !== 'unchanged' && !dryRun) await put(file, wanted)
  const elsewhere = isUsual ? undefined : directory
  const next = client === 'acme.sh' ? deployCommand({ home: elsewhere, domain: 'NAME', ecc: true }) : null
  return { client, file, outcome, dryRun, text: wanted.text, next, namedBy: [] }
}

async function remove(line: CommandLine, { client, directory }: Place): Promise<Installation> {
  const { folder, name } = HOOK_FILES[client]
  const file = join(directory, folder, name)
  const outcome = removing(file, await lookAt(file))
  const dryRun = line.dryRun ?? false
  if (outcome === 'removed' && !dryRun) await takeAway(file)
  const namedBy = client === 'acme.sh' ? await stillNaming(directory, 'certferry') : []
  return { client, file, outcome, dryRun, text: null, next: null, namedBy }
}

function clientOf([word, ...more]: readonly string[]): FolderKind {
  const client = FOLDER_KINDS.find(client => client === word)
  if (client && !more.length) return client
  throw new Fault('USAGE', `install-hook needs one word, one of ${FOLDER_KINDS.join(', ')}`)
}

export const isHooked = (client: FolderKind): client is Client => CLIENTS.some(one => one === client)

function directoryOf(client: Client, { sources }: Settings, line: CommandLine, home: string): string {
  const found = sources.flatMap(source => (source.kind === client ? [resolve(source.path)] : []))
  const [directory = USUAL[client](home), ...more] = new Set(found)
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
