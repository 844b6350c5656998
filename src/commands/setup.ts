/** `certferry setup`: from installed to running, with at most four questions, and nothing overwritten without a copy. */
import { hasHookFile } from '../acme/clients.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { findingsJson } from '../doctor/finding.ts'
import type { Machine } from '../doctor/run.ts'
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
  type SetupChoices,
  type Step,
  type Survey,
  setupSteps,
} from '../setup/plan.ts'
import {
  chosenClients,
  chosenMode,
  defaultPaths,
  type HostSurvey,
  hookLine,
  type Paths,
  surveyHost,
  yes,
} from '../setup/survey.ts'
import type { Systemctl } from '../systemd/systemctl.ts'
import { jsonLine } from '../terminal/text.ts'
import { check, examine, thisMachine } from './check.ts'
import { installHook } from './installHook.ts'

export const run = (world: ProcessContext, line: CommandLine) =>
  setUp(world, line, { places: defaultPaths(world), machine: thisMachine })

export interface SetupEnvironment {
  readonly places: Paths
  readonly machine: Machine
}

export async function setUp(
  world: ProcessContext,
  line: CommandLine,
  { places, machine }: SetupEnvironment,
): Promise<number> {
  const ask = line.yes ? undefined : world.ask
  if (!line.yes && !ask)
    throw new Fault('USAGE', 'setup asks questions and needs a terminal', {
      advice: 'Use --yes and the options that answer them: certferry setup --help.',
    })
  const ground = await surveyHost(world, line, { places, systemctl: machine.systemctl })
  if (!line.dryRun) for (const file of [places.config, places.credentials]) await requireWritable(file)
  const clients = await chosenClients(line, ground.found, ask)
  const { profile } = ground
  const credentials = await wantedCredentials(world, line, { file: places.credentials, profile, ask })
  const mode = await chosenMode(line, ground.units?.service.installed ?? false, ask)
  const test = line.skipCheck ? false : await yes(ask, 'Test it afterwards, with one harmless request?')
  const config = await wantedConfig(line, clients, ground)
  const hooks = mode === 'hook' ? await hooksOf(world, clients, ground) : []
  const answers = { clients, mode, test }
  const survey = { config, credentials, hooks, units: ground.units }
  const steps = setupSteps(answers, survey)
  if (line.dryRun) return printDryRun(world, line, steps, survey)
  const acting = { world, ground, systemctl: machine.systemctl }
  const done: CompletedStep[] = []
  for (const step of steps) done.push(await applyStep(step, acting))
  const isThere = config.before !== undefined || config.text.reveal() !== ''
  const checked = isThere ? { ...line, config: places.config } : line
  return finish({ world, line: checked, machine }, done, answers)
}

const hooksOf = (
  world: ProcessContext,
  clients: SetupChoices['clients'],
  ground: HostSurvey,
): Promise<Survey['hooks']> =>
  Promise.all(
    clients.filter(hasHookFile).map(client => installHook(world, hookLine(client, ground, true), client)),
  )

interface StepContext {
  readonly world: ProcessContext
  readonly ground: HostSurvey
  readonly systemctl: Systemctl
}

async function applyStep(step: Step, { world, ground, systemctl }: StepContext): Promise<CompletedStep> {
  const now = new Date(world.now())
  if (step.do === 'write') {
    const { path, mode } = step
    return doneOf(step, await replaceFile(path, { text: step.text.reveal(), mode, now }))
  }
  if (step.do === 'hook') {
    const backup = step.keep ? await backupFile(step.file, { mode: 0o644, now }) : undefined
    await installHook(world, hookLine(step.client, ground, false), step.client)
    return doneOf(step, backup)
  }
  const ended = await systemctl(step.do, step.unit)
  if (ended?.code !== 0)
    throw new Fault(
      'SERVICE_FAILED',
      `systemctl ${step.do} ${step.unit}: ${ended?.stderr.trim() || 'failed'}`,
      {
        advice: `See journalctl -u ${step.unit} -n 20, fix the cause, and run certferry setup again.`,
      },
    )
  return doneOf(step)
}

/** What would be done, with what would be written, save secrets. */
function printDryRun(
  world: ProcessContext,
  line: CommandLine,
  steps: readonly Step[],
  { config }: Survey,
): number {
  const done = steps.map(step => doneOf(step))
  const added = linesAdded(config.before?.reveal() ?? '', config.text.reveal())
  if (line.json) world.stdout.write(jsonLine({ dryRun: true, steps: done, configuration: added, exit: 0 }))
  else if (!steps.length) world.stdout.write(NOTHING)
  else
    world.stdout.write(
      `Would do:\n${doneText(done)}${added.length ? `\nAdded to the configuration:\n${added.map(text => `  ${text}\n`).join('')}` : ''}`,
    )
  return 0
}

const NOTHING = 'Everything is already set up; nothing was changed.\n'

interface Outcome {
  readonly world: ProcessContext
  readonly line: CommandLine
  readonly machine: Machine
}

async function finish(
  { world, line, machine }: Outcome,
  done: readonly CompletedStep[],
  answers: SetupChoices,
): Promise<number> {
  // what the units, hooks and cron will find is what is to be tested, not what this shell has
  const { TENCENTCLOUD_SECRET_ID: _, TENCENTCLOUD_SECRET_KEY: __, ...env } = world.env
  const tested = { ...world, env }
  if (line.json) {
    const found = answers.test ? findingsJson(await examine(tested, line, { machine })) : undefined
    world.stdout.write(
      jsonLine({ dryRun: false, steps: done, ...(found && { check: found }), exit: found?.exit ?? 0 }),
    )
    return found?.exit ?? 0
  }
  world.stdout.write(done.length ? `Done:\n${doneText(done)}\n${nextOf(answers)}` : NOTHING)
  if (!answers.test) return 0
  world.stdout.write('\n')
  return check(tested, line, machine)
}

/** What happens next by itself, and what does not. */
function nextOf({ mode, clients }: SetupChoices): string {
  if (mode === 'daemon')
    return 'Renewals are uploaded automatically from now on. See: journalctl -u certferry\n'
  const told = clients.includes('acme.sh')
    ? 'acme.sh needs one command for each certificate. To print them:\n  certferry install-hook acme.sh\n'
    : ''
  const calling = clients.filter(hasHookFile)
  const silent = clients.filter(client => !hasHookFile(client))
  const advice = silent.map(
    client =>
      `${client} calls no hook; the timer or cron uploads its renewals. See:\n  certferry install-hook ${client}\n`,
  )
  const called = calling.length ? `${calling.join(' and ')} will call certferry at each renewal.\n` : ''
  return `${told}${advice.join('')}${called}To upload existing certificates now:\n  certferry sync\n`
}
