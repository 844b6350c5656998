/** The hooks by which the ACME clients call certferry, as far as the clients would run them. */
import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import { acmeCertificates, deploymentIn, homeOf, hookPath, isDeploying } from '../acme/clientHome.ts'
import {
  type ClientFiles,
  hooksDisabledBy,
  isStartable,
  type OwnHook,
  ownHooks,
} from '../acme/clientHooks.ts'
import { type FolderKind, type HookFileClient, hasHookFile } from '../acme/clients.ts'
import { isRunFor } from '../acme/crontab.ts'
import { CERTBOT_UNITS_QUERY, timedCalls } from '../acme/hookCommand.ts'
import { readHook } from '../acme/hookFiles.ts'
import { deployCommand } from '../acme/hookMessages.ts'
import { executablesIn, type Found, isManaged } from '../acme/hookScripts.ts'
import type { FolderSource } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import { containsLineage } from '../sources/discover.ts'
import { quoteShell } from '../terminal/text.ts'
import { type Finding, ok, skipped, warning } from './finding.ts'
import type { CheckContext } from './run.ts'

interface Hook {
  readonly kind: FolderKind
  /** Whether the client calls certferry for at least one certificate. */
  readonly calls: boolean
  readonly finding: Finding
}

type Fix = Pick<Finding, 'advice' | 'command'>

export async function hooksOf(check: CheckContext): Promise<readonly Hook[]> {
  const folders = check.sources.filter(source => source.kind !== 'pem')
  return (await Promise.all(folders.map(source => hooksFor(source, check)))).flat()
}

async function hooksFor(source: FolderSource, check: CheckContext): Promise<readonly Hook[]> {
  const { kind } = source
  try {
    const files = await clientFiles(source, check)
    const own = await ownHooks(files)
    if (hasHookFile(kind)) return [await installedHook(kind, files, own)]
    return own.length ? [await summary(files, own)] : []
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const finding = warning('hook', `${kind}: ${error.message}`, { command: 'sudo certferry check' })
    return hasHookFile(kind) ? [{ kind, calls: false, finding }] : []
  }
}

async function clientFiles(source: FolderSource, check: CheckContext): Promise<ClientFiles> {
  const { context, machine } = check
  const { kind } = source
  const { program } = context
  const user = machine.user()
  const lines = (await machine.cronLines()).filter(line => isRunFor(line, user))
  const directory = resolve(source.path)
  const host = { ...context, lines: lines.map(({ text }) => text) }
  const units = kind === 'certbot' ? await machine.systemctl(...CERTBOT_UNITS_QUERY) : undefined
  const { lineages } = await check.listing()
  return {
    kind,
    directory,
    names: lineages.filter(lineage => containsLineage(source, lineage)).map(({ name }) => name),
    home: hasHookFile(kind) ? await homeOf(kind, directory, host) : undefined,
    userHome: context.home,
    lines,
    timed: units?.code === 0 ? timedCalls(units.stdout, program) : [],
    program,
  }
}

/** The installed hook file, and other calls of certferry by the client. */
async function installedHook(
  client: HookFileClient,
  files: ClientFiles,
  own: readonly OwnHook[],
): Promise<Hook> {
  const { home, directory, names } = files
  const problem = (says: string, fix: Fix) => summary(files, own, warning('hook', `${client}: ${says}`, fix))
  const install = `sudo certferry install-hook ${client}`
  // then a broken hook file does not matter
  const isComplete = own.length > 0 && names.every(name => own.some(hook => isFor(hook, name)))
  if (!home) {
    if (isComplete) return summary(files, own)
    const command = `${install} --source ${client}=${quoteShell(directory)} --home DIR`
    return problem(
      `the installation that keeps its certificates in this directory was not found: ${directory}`,
      { command },
    )
  }
  const file = hookPath(client, home)
  const found = await readHook(file)
  const naming = client === 'acme.sh' ? (await acmeCertificates(directory)).filter(isDeploying) : []
  if (!found && naming.length)
    return problem(`${naming.length} certificates name a hook that does not exist: ${file}`, {
      command: install,
    })
  if (!found) return summary(files, own)
  if (!isManaged(found) && !own.some(({ where }) => where === file))
    return problem(`${file} was not written by certferry`, {
      advice: 'Move it elsewhere, then run `certferry install-hook`.',
      command: `less ${quoteShell(file)}`,
    })
  const defect = (await defectOf(client, found)) ?? (await ignoredBecause(client, files))
  if (defect && isComplete) return summary(files, own)
  if (defect) return problem(`${file} ${defect}`, { command: install })
  const installed = { where: file, program: undefined }
  const [name] = names
  if (client !== 'acme.sh' || name === undefined) return summary(files, [installed, ...own])
  // acme.sh runs it for those certificates only that name it
  const hooks = [...naming.map(({ name }) => ({ ...installed, name })), ...own]
  if (hooks.length) return summary(files, hooks)
  return problem(
    `${file}, but ${names.length} of ${names.length} certificates do not call it`,
    await fixFor(files, name),
  )
}

const isFor = (hook: OwnHook, name: string) => hook.name === undefined || hook.name === name

/** What the hooks that call certferry come to, with one finding: the given problem, or what follows from the hooks. */
async function summary(files: ClientFiles, hooks: readonly OwnHook[], problem?: Finding): Promise<Hook> {
  const { kind, names } = files
  const startable = await Promise.all(hooks.map(async ({ program }) => !program || isStartable(program)))
  const good = hooks.filter((_, i) => startable[i])
  const broken = hooks.find((_, i) => !startable[i])
  const without = names.filter(name => !good.some(hook => isFor(hook, name)))
  const calls = good.length > 0 && (names.length === 0 || without.length < names.length)
  const result = (finding: Finding): Hook => ({ kind, calls, finding })
  if (problem) return result(problem)
  if (broken)
    return result(
      warning('hook', `${kind}: ${broken.where} starts ${broken.program}, which does not exist`, {
        command: `sudo certferry install-hook ${kind}`,
      }),
    )
  if (!good.length) return result(skipped('hook', `${kind}: not installed`))
  const where = [...new Set(good.map(({ where }) => where))].join(', ')
  const [next] = without
  if (next === undefined) return result(ok('hook', `${kind}: ${where}`))
  const says = `${kind}: ${where}, but ${without.length} of ${names.length} certificates do not call it`
  return result(warning('hook', says, await fixFor(files, next)))
}

async function fixFor({ kind, directory, home, userHome }: ClientFiles, name: string): Promise<Fix> {
  if (kind !== 'acme.sh' || !home) return { command: `sudo certferry install-hook ${kind}` }
  const hooks = (await acmeCertificates(directory)).find(one => one.name === name)?.hooks
  return {
    advice: 'Run once for each of them, with the deploy hooks it has:',
    command: deployCommand({ ...deploymentIn(home, userHome), name, hooks }),
  }
}

/** Why the client would not run the hook file, or the hook would fail. */
async function defectOf(client: HookFileClient, { text = '', mode }: Found): Promise<string | undefined> {
  if (client === 'certbot' && !(mode & 0o111)) return 'is not executable, so certbot ignores it'
  if (client === 'dehydrated' && !(mode & 0o111)) return 'is not executable, so dehydrated stops there'
  for (const path of executablesIn(text)) {
    const error = await access(path, constants.R_OK).catch(error => error)
    if (error) return `starts ${path}, which does not exist`
  }
  return undefined
}

/** Why the client runs another hook instead, or none. */
async function ignoredBecause(client: HookFileClient, files: ClientFiles): Promise<string | undefined> {
  if (client === 'certbot') {
    const file = await hooksDisabledBy(files)
    return file && `is ignored: ${file} sets no-directory-hooks`
  }
  const { dehydrated } = files.home ?? {}
  if (!dehydrated) return undefined
  if (dehydrated.folder === undefined) return `is not read: ${dehydrated.file} sets no CONFIG_D`
  return dehydrated.hookIn && `is not run, because ${dehydrated.hookIn} sets another HOOK`
}
