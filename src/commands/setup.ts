/** `certferry setup`: asks a few questions, writes files, hooks and units, and tests them. It keeps a copy of each file it changes, but of the API key. */
import { hasHookFile } from '../acme/clients.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { exitOfFindings, type Finding, findingsJson } from '../doctor/finding.ts'
import { type Machine, thisMachine } from '../doctor/run.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import {
  backupFile,
  linesAdded,
  replaceFile,
  requireWritable,
  wantedConfig,
  wantedCredentials,
} from '../setup/files.ts'
import {
  type CompletedStep,
  doneOf,
  doneText,
  type FileChange,
  type SetupChoices,
  type Step,
  type Survey,
  setupSteps,
} from '../setup/plan.ts'
import {
  chosenClients,
  chosenEndpoint,
  chosenMode,
  chosenReplace,
  defaultPaths,
  type HostSurvey,
  hookLine,
  type Paths,
  surveyHost,
  yes,
} from '../setup/survey.ts'
import type { Systemctl } from '../systemd/systemctl.ts'
import { jsonLine, printableText, wrap } from '../terminal/text.ts'
import { examine, printCheck } from './check.ts'
import { installHook } from './installHook.ts'

export const run = (context: ProcessContext, line: CommandLine) =>
  setUp(context, line, { places: defaultPaths(context), machine: thisMachine })

export interface SetupEnvironment {
  readonly places: Paths
  readonly machine: Machine
}

export async function setUp(
  context: ProcessContext,
  line: CommandLine,
  { places, machine }: SetupEnvironment,
): Promise<number> {
  const ask = line.yes ? undefined : context.ask
  if (!line.yes && !ask)
    throw new Fault('USAGE', 'setup asks questions and needs a terminal', {
      advice: 'Use --yes and the options that answer them: certferry setup --help.',
    })
  const { systemctl } = machine
  const host = await surveyHost(context, line, { places, systemctl })
  if (!line.dryRun) for (const file of [places.config, places.credentials]) await requireWritable(file)
  const clients = await chosenClients(line, host.found, ask)
  const endpoint = await chosenEndpoint(line, host, ask)
  const { profile } = host
  const credentials = await wantedCredentials(context, line, { file: places.credentials, profile, ask })
  const mode = await chosenMode(line, host.units?.service.installed ?? false, ask)
  const replace = await chosenReplace(line, host, ask)
  const test = line.skipCheck ? false : await yes(ask, 'Test it afterwards, with harmless requests?')
  const config = await wantedConfig(line, endpoint, clients, host, replace)
  const hooks = mode === 'hook' ? await hooksOf(context, clients, host) : []
  const choices = { clients, mode, test, replace: replace ?? host.config.deploy?.replace ?? false }
  const steps = setupSteps(choices, { config, credentials, hooks, units: host.units })
  if (line.dryRun) return printDryRun(context, line, steps, config)
  const done: CompletedStep[] = []
  for (const step of steps) done.push(await applyStep(step, { context, host, systemctl }))
  const hasConfig = config.before !== undefined || config.text.reveal() !== ''
  return finish(context, hasConfig ? { ...line, config: places.config } : line, { machine, done, choices })
}

const hooksOf = (
  context: ProcessContext,
  clients: SetupChoices['clients'],
  host: HostSurvey,
): Promise<Survey['hooks']> =>
  Promise.all(
    clients.filter(hasHookFile).map(client => installHook(context, hookLine(client, host, true), client)),
  )

interface StepContext {
  readonly context: ProcessContext
  readonly host: HostSurvey
  readonly systemctl: Systemctl
}

async function applyStep(step: Step, { context, host, systemctl }: StepContext): Promise<CompletedStep> {
  const now = new Date(context.now())
  if (step.do === 'write') {
    const { path, mode, keep } = step
    return doneOf(step, await replaceFile(path, { text: step.text.reveal(), mode, keep, now }))
  }
  if (step.do === 'hook') {
    const backup = step.keep ? await backupFile(step.file, { mode: 0o644, now }) : undefined
    await installHook(context, hookLine(step.client, host, false), step.client)
    return doneOf(step, backup)
  }
  const ended = await systemctl(step.do, step.unit)
  if (ended?.code !== 0)
    throw new Fault(
      'SERVICE_FAILED',
      `systemctl ${step.do} ${step.unit}: ${ended?.stderr.trim() || 'failed'}`,
      { advice: `See journalctl -u ${step.unit} -n 20, fix the cause, and run certferry setup again.` },
    )
  return doneOf(step)
}

const NOTHING = 'Everything is already set up; nothing was changed.\n'

/** Prints the steps, and the lines that the configuration would get; no secrets. */
function printDryRun(
  { stdout }: ProcessContext,
  { json }: CommandLine,
  steps: readonly Step[],
  config: FileChange,
): number {
  const planned = steps.map(step => doneOf(step))
  const added = linesAdded(config.before?.reveal() ?? '', config.text.reveal())
  if (json) stdout.write(jsonLine({ dryRun: true, steps: planned, configuration: added, exit: 0 }))
  else if (!steps.length) stdout.write(NOTHING)
  else {
    stdout.write(`Would do:\n${doneText(planned)}`)
    if (added.length)
      stdout.write(`\nAdded to the configuration:\n${added.map(text => `  ${text}\n`).join('')}`)
  }
  return 0
}

interface Result {
  readonly machine: Machine
  readonly done: readonly CompletedStep[]
  readonly choices: SetupChoices
}

async function finish(
  context: ProcessContext,
  line: CommandLine,
  { machine, done, choices }: Result,
): Promise<number> {
  const { stdout } = context
  // units, hooks and cron do not have the variables of this shell
  const { TENCENTCLOUD_SECRET_ID: _, TENCENTCLOUD_SECRET_KEY: __, ...env } = context.env
  const tested = { ...context, env }
  if (line.json) {
    const found = choices.test ? findingsJson(await examine(tested, line, machine)) : undefined
    const exit = found?.exit ?? 0
    stdout.write(jsonLine({ dryRun: false, steps: done, ...(found && { check: found }), exit }))
    return exit
  }
  stdout.write(done.length ? `Done:\n${doneText(done)}\n` : NOTHING)
  if (!choices.test) {
    if (done.length) stdout.write(`${nextSteps(choices)}Not tested. To test it: certferry check\n`)
    return 0
  }
  if (!done.length) stdout.write('\n')
  const findings = await printCheck(tested, line, machine)
  const failures = findings.filter(({ level }) => level === 'failure')
  stdout.write(failures.length ? unfinished(failures, stdout) : `\n${nextSteps(choices)}`)
  return exitOfFindings(findings)
}

/** The last word after a check that failed: what stops everything, else the first certificate. */
function unfinished(failures: readonly Finding[], { columns }: ProcessContext['stdout']): string {
  const first = failures.find(({ about }) => about !== 'certificate') ?? failures[0]
  if (!first) return ''
  const { about, says, advice, command } = first
  const fit = (text: string, indent: number) => wrap(printableText(text, 1000), columns - indent, indent)
  const next = [advice && fit(advice, 4), command, 'certferry check'].filter(Boolean)
  return `\n${fit(`Not everything works yet. To correct first: ${about}: ${says}`, 0)}\n  → ${next.join('\n    ')}\n`
}

/** What happens from now on by itself, and what the operator has to do. */
function nextSteps({ mode, clients, replace }: SetupChoices): string {
  if (mode === 'daemon')
    return replace
      ? 'Renewals are uploaded and put in place automatically from now on. What would be\nreplaced now: certferry sync --dry-run. See: journalctl -u certferry\n'
      : 'Renewals are uploaded automatically from now on. See: journalctl -u certferry\n'
  const lines: string[] = []
  if (clients.includes('acme.sh'))
    lines.push(
      'acme.sh needs one command for each certificate. To print them:',
      '  certferry install-hook acme.sh',
    )
  for (const client of clients.filter(client => !hasHookFile(client)))
    lines.push(
      `${client} calls no hook; the timer or cron uploads its renewals. See:`,
      `  certferry install-hook ${client}`,
    )
  const calling = clients.filter(hasHookFile)
  if (calling.length) lines.push(`${calling.join(' and ')} will call certferry at each renewal.`)
  lines.push('To upload existing certificates now:', '  certferry sync', '')
  return lines.join('\n')
}
