/** `certferry install-hook`: installs the hook of an ACME client, or removes it. */
import { dirname, join, relative, resolve } from 'node:path'
import {
  acmeCertificates,
  type ClientHome,
  deploymentIn,
  homeOf,
  hookPath,
  isDeploying,
  namedHome,
} from '../acme/clientHome.ts'
import { CLIENTS, FOLDER_KINDS, type FolderKind, type HookFileClient, hasHookFile } from '../acme/clients.ts'
import { cronLines, isRunFor } from '../acme/crontab.ts'
import { readHook, removeHook, requireDirectory, writeHook } from '../acme/hookFiles.ts'
import {
  adviceFor,
  adviceText,
  deployCommand,
  type Installation,
  installationText,
} from '../acme/hookMessages.ts'
import { HOOK_FILES, planInstall, planRemoval } from '../acme/hookScripts.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { loadConfig } from '../config/load.ts'
import { resolveSettings, type Settings } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import { isThere } from '../files/fileSystem.ts'
import { currentUser } from '../files/permissions.ts'
import type { ProcessContext } from '../processContext.ts'
import { jsonLine, programWords, quoteShell, withoutSudo } from '../terminal/text.ts'
import { choiceProblem } from '../util/similar.ts'

export async function run(context: ProcessContext, line: CommandLine): Promise<number> {
  const client = clientOf(line.operands)
  const say = (text: string) => (context.hasSudo() ? text : withoutSudo(text))
  if (!hasHookFile(client)) {
    const advice = adviceFor(client, context.program)
    context.stdout.write(line.json ? jsonLine({ client, ...advice, exit: 0 }) : say(adviceText(advice)))
    return 0
  }
  const installation = await installHook(context, line, client)
  context.stdout.write(
    line.json ? jsonLine({ ...installation, exit: 0 }) : say(installationText(installation)),
  )
  return 0
}

/** Writes the hook file or, with `--remove`, removes it. */
export async function installHook(
  context: ProcessContext,
  line: CommandLine,
  client: HookFileClient,
): Promise<Installation> {
  const { env } = context
  const { config } = await loadConfig(line.config, context)
  // validated before anything is written: a hook with wrong options would fail only at the next renewal
  const directory = directoryOf(client, resolveSettings(line, env, config), line, context.home)
  const home = await clientHome(client, directory, line, context)
  const file = hookPath(client, home)
  await requireDirectory(home.home, relative(home.home, dirname(file)))
  const place = { client, directory, home, file }
  if (client === 'dehydrated' && !line.remove) requireNoOtherHook(place, context.program)
  return line.remove ? remove(line, place) : install(context, line, place)
}

interface Place {
  readonly client: HookFileClient
  /** The directory of its certificates. */
  readonly directory: string
  readonly home: ClientHome
  /** The hook file. */
  readonly file: string
}

/** The home given by --home, or the one found on this host. @throws Fault USAGE if there is neither. */
async function clientHome(
  client: HookFileClient,
  directory: string,
  line: CommandLine,
  context: ProcessContext,
): Promise<ClientHome> {
  if (line.home !== undefined) return namedHome(client, resolve(context.cwd, line.home))
  const found = await homeOf(client, directory, { ...context, lines: await trustedCronLines() })
  if (found) return found
  if (!isThere(directory)) await requireDirectory(directory, '')
  const kind = client === 'acme.sh' ? 'installation (the --home of acme.sh)' : 'file config'
  throw new Fault(
    'USAGE',
    `${directory}: the ${client} installation that keeps its certificates there was not found`,
    { advice: `Give the directory of its ${kind}: --home DIR.` },
  )
}

async function trustedCronLines(): Promise<readonly string[]> {
  const user = currentUser()
  return (await cronLines()).filter(line => isRunFor(line, user)).map(({ text }) => text)
}

/** @throws Fault if dehydrated does not read the folder of the file, or has another hook, which stays. */
function requireNoOtherHook(
  { file, home: { home, dehydrated } }: Place,
  program: ProcessContext['program'],
): void {
  const { folder, hookIn } = dehydrated ?? {}
  if (folder === undefined)
    throw new Fault(
      'CONFIG_INVALID',
      `${dehydrated?.file ?? join(home, 'config')}: dehydrated does not read the folder ${dirname(file)}`,
      { advice: `Add the line CONFIG_D=${quoteShell(dirname(file))} to it.` },
    )
  if (hookIn !== undefined)
    throw new Fault('NAME_CONFLICT', `${hookIn}: sets HOOK already, and dehydrated runs only one hook`, {
      advice: `Add this line to that hook, so that it exits with 0: ${programWords(program)} hook "$@" || :`,
    })
}

async function install(
  context: ProcessContext,
  line: CommandLine,
  { client, directory, home, file }: Place,
): Promise<Installation> {
  const { mode, text } = HOOK_FILES[client]
  const wanted = { mode, text: text({ ...context.program, options: hookOptions(line, context.cwd) }) }
  const outcome = planInstall(file, wanted, await readHook(file))
  const dryRun = line.dryRun ?? false
  if (outcome !== 'unchanged' && !dryRun) await writeHook(file, wanted)
  const next = client === 'acme.sh' ? await deployCommands(directory, home, context.home) : null
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

/** A command for each certificate that does not run the hook yet; an example if there are no certificates. */
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
  const problem =
    word === undefined || more.length ? FOLDER_KINDS.join(', ') : choiceProblem(word, FOLDER_KINDS)
  throw new Fault('USAGE', `install-hook needs one ACME client: ${problem}`)
}

function directoryOf(client: HookFileClient, { sources }: Settings, line: CommandLine, home: string): string {
  const found = sources.flatMap(source => (source.kind === client ? [resolve(source.path)] : []))
  const [directory = CLIENTS[client].directory(home), ...more] = new Set(found)
  if (more.length)
    throw new Fault('USAGE', `several sources are of kind ${client}: ${[directory, ...more].join(', ')}`, {
      advice: `Choose one: --source ${client}=${directory}`,
    })
  if (line.source?.length && !found.length)
    throw new Fault('USAGE', `--source has no directory of ${client}`, {
      advice: `Use --source ${client}=DIR, or omit --source.`,
    })
  // certbot passes the path of a hook to /bin/sh unquoted
  if (client === 'certbot' && !line.remove && !/^[\w@%+=:,./-]+$/.test(directory))
    throw new Fault(
      'CONFIG_INVALID',
      `${directory}: certbot cannot run hooks in a directory whose name has blanks or shell characters`,
      { advice: 'Rename it, or upload renewals with `certferry watch` or `certferry sync`.' },
    )
  return directory
}

/** Options given to install-hook that the hook gets too, with absolute paths. */
function hookOptions(line: CommandLine, cwd: string): readonly string[] {
  const { config, stateDir, endpoint, logLevel, rate, deadline } = line
  const given = {
    '--config': config && resolve(cwd, config),
    '--state-dir': stateDir && resolve(cwd, stateDir),
    '--endpoint': endpoint,
    '--log-level': logLevel,
    '--rate': rate,
    '--deadline': deadline,
  }
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name, `${value}`]))
}
