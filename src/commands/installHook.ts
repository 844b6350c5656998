/** `certferry install-hook`: makes certbot or acme.sh call the hook at every renewal, or no longer. */
import { join, resolve } from 'node:path'
import { Fault } from '../core/fault.ts'
import { CLIENTS, type Client, HOOK_FILES, installing, removing } from '../core/hookFile.ts'
import { deployCommand, type Installation, installationText } from '../core/hookNotice.ts'
import { jsonLine } from '../core/jsonLine.ts'
import { type Settings, settle } from '../core/settings.ts'
import { loadConfig } from '../edge/configFile.ts'
import { lookAt, put, requireDirectory, stillNaming, takeAway } from '../edge/hookFile.ts'
import type { World } from '../world.ts'
import type { CommandLine } from './commandLine.ts'

export async function run(world: World, line: CommandLine): Promise<number> {
  const installation = await installed(world, line, clientOf(line.operands))
  world.stdout.write(line.json ? jsonLine({ ...installation, exit: 0 }) : installationText(installation))
  return 0
}

/** Puts the hook in its place or, with `--remove`, takes it away. */
export async function installed(world: World, line: CommandLine, client: Client): Promise<Installation> {
  const { env, home } = world
  const { config } = await loadConfig(line.config, world)
  // settled before anything is written: a hook that is given nonsense would say so only at the next renewal
  const directory = directoryOf(client, settle(line, env, config), line, home)
  await requireDirectory(directory)
  const place = { client, directory }
  return line.remove ? remove(line, place) : install(world, line, place)
}

interface Place {
  readonly client: Client
  readonly directory: string
}

async function install(world: World, line: CommandLine, { client, directory }: Place): Promise<Installation> {
  const { folder, name, mode, text } = HOOK_FILES[client]
  const file = join(directory, folder, name)
  const wanted = { mode, text: text({ ...world.program, options: hookOptions(line, world.cwd) }) }
  const outcome = installing(file, wanted, await lookAt(file))
  const dryRun = line.dryRun ?? false
  if (outcome !== 'unchanged' && !dryRun) await put(file, wanted)
  const elsewhere = directory === USUAL[client](world.home) ? undefined : directory
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

function clientOf([word, ...more]: readonly string[]): Client {
  const client = CLIENTS.find(client => client === word)
  if (client && !more.length) return client
  throw new Fault('USAGE', `install-hook needs one word, ${CLIENTS.join(' or ')}`)
}

const USUAL: Readonly<Record<Client, (home: string) => string>> = {
  certbot: () => '/etc/letsencrypt',
  'acme.sh': home => join(home, '.acme.sh'),
}

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
