/** The hooks by which the ACME clients call certferry, as far as they would run them. */
import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import { deploymentIn, homeOf, hookPath } from '../acme/clientHome.ts'
import {
  type ClientFiles,
  hooksDisabledBy,
  isStartable,
  type OwnHook,
  ownHooks,
} from '../acme/clientHooks.ts'
import { type FolderKind, type HookFileClient, hasHookFile } from '../acme/clients.ts'
import { CERTBOT_UNITS_QUERY, type Program, type TimedCall, timedCalls } from '../acme/hookCommand.ts'
import { acmeCertificates, isDeploying, readHook } from '../acme/hookFiles.ts'
import { deployCommand } from '../acme/hookMessages.ts'
import { executablesIn, isManaged } from '../acme/hookScripts.ts'
import type { FolderSource } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import { containsLineage } from '../sources/discover.ts'
import { quoteShell } from '../terminal/text.ts'
import { type Finding, ok, warning } from './finding.ts'
import { isRunFor } from './machine.ts'
import type { CheckContext } from './run.ts'

/** Whether the client calls us, and what is to be said of it. */
interface Hook {
  readonly kind: FolderKind
  readonly calls: boolean
  readonly finding: Finding
}

type Remedy = Pick<Finding, 'advice' | 'command'>

export async function hooksOf(scene: CheckContext): Promise<readonly Hook[]> {
  const folders = scene.sources.filter(source => source.kind !== 'pem')
  return (await Promise.all(folders.map(source => hookOf(source, scene)))).flat()
}

async function hookOf(source: FolderSource, scene: CheckContext): Promise<readonly Hook[]> {
  const { kind } = source
  const client = hasHookFile(kind) ? kind : undefined
  try {
    const files = await filesOf(source, client, scene)
    const own = await ownHooks(files)
    if (client) return [await hookIn(client, files, own)]
    // these have no place for a hook of ours
    return own.length ? [await told(files, own)] : []
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const says = `${kind}: ${error.message}`
    return client
      ? [{ kind, calls: false, finding: warning('hook', says, { command: 'sudo certferry check' }) }]
      : []
  }
}

async function filesOf(
  source: FolderSource,
  client: HookFileClient | undefined,
  { world, machine, listing }: CheckContext,
): Promise<ClientFiles> {
  const user = machine.user()
  const lines = (await machine.cronLines()).filter(line => isRunFor(line, user))
  const directory = resolve(source.path)
  const around = { ...world, lines: lines.map(({ text }) => text) }
  return {
    kind: source.kind,
    directory,
    names: (await listing()).lineages
      .filter(lineage => containsLineage(source, lineage))
      .map(({ name }) => name),
    home: client && (await homeOf(client, directory, around)),
    userHome: world.home,
    lines,
    timed: client === 'certbot' ? await timedOf(machine, world.program) : [],
    program: world.program,
  }
}

async function timedOf(
  { systemctl }: CheckContext['machine'],
  program: Program,
): Promise<readonly TimedCall[]> {
  const shown = await systemctl(...CERTBOT_UNITS_QUERY)
  return shown?.code === 0 ? timedCalls(shown.stdout, program) : []
}

/** The file of ours where the client looks for it, and whatever else calls us. */
async function hookIn(client: HookFileClient, files: ClientFiles, own: readonly OwnHook[]): Promise<Hook> {
  const { home, directory, names } = files
  const except = (problem: string, remedy: Remedy) =>
    told(files, own, { says: `${client}: ${problem}`, remedy })
  const again = { command: `sudo certferry install-hook ${client}` }
  // what its own files say of every certificate holds whatever is wrong with ours
  const isWhole = own.length > 0 && names.every(name => own.some(hook => isFor(hook, name)))
  if (!home) {
    if (isWhole) return told(files, own)
    return except(
      `the installation that keeps its certificates in this directory was not found: ${directory}`,
      {
        command: `sudo certferry install-hook ${client} --source ${client}=${quoteShell(directory)} --home DIR`,
      },
    )
  }
  const file = hookPath(client, home)
  const found = await readHook(file)
  const naming = client === 'acme.sh' ? (await acmeCertificates(directory)).filter(isDeploying) : []
  if (!found)
    return naming.length
      ? except(`${naming.length} certificates name a hook that does not exist: ${file}`, again)
      : told(files, own)
  if (!isManaged(found) && !own.some(({ where }) => where === file))
    return except(`${file} was not written by certferry`, {
      advice: 'Move it elsewhere, then run `certferry install-hook`.',
      command: `less ${quoteShell(file)}`,
    })
  const trouble = (await troubleOf(client, found)) ?? (await passedOver(client, files))
  if (trouble) return isWhole ? told(files, own) : except(`${file} ${trouble}`, again)
  const ours = { where: file, program: undefined }
  if (client !== 'acme.sh') return told(files, [ours, ...own])
  const hooks = [...naming.map(({ name }) => ({ ...ours, name })), ...own]
  const [name] = names
  if (name === undefined) return told(files, [ours])
  return hooks.length
    ? told(files, hooks)
    : except(
        `${file}, but ${names.length} of ${names.length} certificates do not call it`,
        await remedyFor(files, name),
      )
}

const isFor = (hook: OwnHook, name: string) => hook.name === undefined || hook.name === name

/** What is to be said of the hooks that call us, or of what is wrong with ours. */
async function told(
  files: ClientFiles,
  hooks: readonly OwnHook[],
  problem?: { readonly says: string; readonly remedy: Remedy },
): Promise<Hook> {
  const { kind, names } = files
  const there = await Promise.all(
    hooks.map(async ({ program }) => program === undefined || isStartable(program)),
  )
  const [good, broken] = [hooks.filter((_, i) => there[i]), hooks.find((_, i) => !there[i])]
  const without = names.filter(name => !good.some(hook => isFor(hook, name)))
  const calls = good.length > 0 && (names.length === 0 || without.length < names.length)
  const says = (finding: Finding): Hook => ({ kind, calls, finding })
  if (problem) return says(warning('hook', problem.says, problem.remedy))
  if (broken)
    return says(
      warning('hook', `${kind}: ${broken.where} starts ${broken.program}, which does not exist`, {
        command: `sudo certferry install-hook ${kind}`,
      }),
    )
  if (!good.length) return says(ok('hook', `${kind}: not installed`))
  const where = [...new Set(good.map(({ where }) => where))].join(', ')
  const [next] = without
  if (next === undefined) return says(ok('hook', `${kind}: ${where}`))
  const left = `${kind}: ${where}, but ${without.length} of ${names.length} certificates do not call it`
  return says(warning('hook', left, await remedyFor(files, next)))
}

async function remedyFor({ kind, directory, home, userHome }: ClientFiles, name: string): Promise<Remedy> {
  if (kind !== 'acme.sh' || !home) return { command: `sudo certferry install-hook ${kind}` }
  const hooks = (await acmeCertificates(directory)).find(one => one.name === name)?.hooks
  return {
    advice: 'Run once for each of them, with the deploy hooks it has:',
    command: deployCommand({ ...deploymentIn(home, userHome), name, hooks }),
  }
}

/** Why the client would not run it, or it would not come to anything. */
async function troubleOf(client: HookFileClient, { text = '', mode }: { text?: string; mode: number }) {
  if (client === 'certbot' && !(mode & 0o111)) return 'is not executable, so certbot ignores it'
  if (client === 'dehydrated' && !(mode & 0o111)) return 'is not executable, so dehydrated stops there'
  for (const path of executablesIn(text))
    if (!(await isReadable(path))) return `starts ${path}, which does not exist`
  return undefined
}

const isReadable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  )

/** What makes the client run another hook in its place, or none. */
async function passedOver(client: HookFileClient, files: ClientFiles): Promise<string | undefined> {
  if (client === 'certbot') {
    const file = await hooksDisabledBy(files)
    return file && `is ignored: ${file} sets no-directory-hooks`
  }
  const { dehydrated } = files.home ?? {}
  if (!dehydrated) return undefined
  if (dehydrated.folder === undefined) return `is not read: ${dehydrated.file} sets no CONFIG_D`
  return dehydrated.hookIn && `is not run, because ${dehydrated.hookIn} sets another HOOK`
}
