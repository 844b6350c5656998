/** The configuration with everything wrong with it: of the file, of the environment and of options, all at once. */
import { resolve } from 'node:path'
import { settingProblems, withoutInvalid } from '../core/choices.ts'
import type { Config } from '../core/config.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { printableText } from '../core/printable.ts'
import { type Problem, problemText } from '../core/problem.ts'
import { resolveSettings, type Settings, type Source } from '../core/settings.ts'
import type { LineOf } from '../core/tomlLines.ts'
import { readConfigFile } from '../edge/configFile.ts'
import { scheduleProblem } from '../edge/schedule.ts'
import type { ProcessContext } from '../world.ts'
import type { CommandLine } from './commandLine.ts'
import { existingSources } from './sources.ts'

export interface ConfigProblem {
  /** `tencent.endpoint`, `CERTFERRY_ENDPOINT` or `--endpoint`. */
  readonly key: string
  readonly line: number | undefined
  /** With file, line and key, fit for a terminal. */
  readonly text: string
  /** Where something better is known than that it is to be corrected. */
  readonly advice?: string
  /** CONFIG_INVALID where absent. */
  readonly code?: FaultCode
}

export interface Configuration {
  /** False where nothing of the file is known: it may not be read, or is no TOML. */
  readonly isReadable: boolean
  readonly file: string | undefined
  readonly lineOf: LineOf
  readonly complaints: readonly ConfigProblem[]
  /** What is right in the file. */
  readonly config: Config
  /** Made of what is right. */
  readonly settings: Settings
}

/** @throws Fault CONFIG_UNREADABLE. */
export async function readConfiguration(world: ProcessContext, line: CommandLine): Promise<Configuration> {
  const { env, cwd } = world
  const { file, lineOf, config, problems } = await readConfigFile(line.config, world)
  const given = { options: line, env, config }
  const right = withoutInvalid(given)
  const settled = resolveSettings({ ...right.options, source: line.source }, right.env, config)
  const ofFile = [...problems, ...sweepProblems(config, lineOf)]
  return {
    isReadable: !problems.some(({ column }) => column !== undefined),
    file,
    lineOf,
    config,
    settings: { ...settled, stateDir: resolve(cwd, settled.stateDir) },
    complaints: [
      ...ofFile.map(problem => ({
        key: problem.key,
        line: problem.line,
        text: `${file}: ${printableText(problemText(problem), 1000)}`,
      })),
      ...settingProblems(given).map(({ name, says }) => ({
        key: name,
        line: undefined,
        text: `${name}: ${says}`,
      })),
    ],
  }
}

/** What stands in its place for whoever goes on looking: the defaults, and why it is not known. */
export function unreadableConfig(error: unknown): Configuration {
  if (!(error instanceof Fault)) throw error
  return {
    isReadable: false,
    file: undefined,
    lineOf: () => undefined,
    config: {},
    settings: resolveSettings({}, {}, {}),
    complaints: [
      { key: 'file', line: undefined, text: error.message, advice: error.advice, code: error.code },
    ],
  }
}

/** Only the schedule itself knows what it can read. */
function sweepProblems({ watch }: Config, lineOf: LineOf): readonly Problem[] {
  const says = watch?.sweep === undefined ? undefined : scheduleProblem(watch.sweep)
  return says ? [{ key: 'watch.sweep', line: lineOf(['watch', 'sweep']), says }] : []
}

/** @throws Fault CONFIG_INVALID with all complaints, where there are any. */
export function throwIfInvalid({ complaints }: Configuration): void {
  if (complaints.length) throw new Fault('CONFIG_INVALID', complaints.map(({ text }) => text).join('\n'))
}

/** What is taken where no source is named: the usual places that are there, or nothing. */
export const existingDefaultSources = (home: string): Promise<readonly Source[]> =>
  existingSources(home).catch(error => {
    if (error instanceof Fault && error.code === 'NO_SOURCE') return []
    throw error
  })
