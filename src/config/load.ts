/** Reads the configuration file. */

import { dirname, resolve } from 'node:path'
import { validate } from 'node-cron'
import { Fault, type FaultCode } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import { requireSafe } from '../files/safePath.ts'
import { readSettled } from '../files/settledFile.ts'
import type { ProcessContext } from '../processContext.ts'
import { printableText } from '../terminal/text.ts'
import type { CommandLine } from './commandLine.ts'
import { settingProblems, withoutInvalid } from './precedence.ts'
import type { Config } from './schema.ts'
import { resolvePaths, resolveSettings, type Settings } from './settings.ts'
import { type PositionOf, type Problem, problemText } from './values.ts'

/** No field of a cron expression counts so far, and node-cron would write out every number of such a range. */
const THREE_DIGITS = /\d{3}/

/** What is wrong with a cron expression, or nothing. */
export const scheduleProblem = (expression: string): string | undefined =>
  !THREE_DIGITS.test(expression) && validate(expression)
    ? undefined
    : 'expected a cron expression such as "17 */6 * * *"'

export const DEFAULT_CONFIG = '/etc/certferry/config.toml'

/** Two thousand sources take as much; the parser needs seconds for a megabyte of short tables. */
const MAX_CONFIG_BYTES = 1 << 18

interface ConfigFile {
  /** Undefined where there is none and none was named. */
  readonly file: string | undefined
  /** What is right in it, with every path absolute. */
  readonly config: Config
  readonly problems: readonly Problem[]
  readonly isToml: boolean
  readonly positionOf: PositionOf
}

const NOWHERE: PositionOf = () => undefined

/**
 * Everything in the file, right and wrong. The option's file, else the environment's, must exist; the default may not.
 * @throws Fault CONFIG_UNREADABLE; FILE_UNAVAILABLE or TOO_MANY_OPEN_FILES where it can be neither read nor called wrong.
 */
async function readConfigFile(
  option: string | undefined,
  { env, cwd, home, now, sleep: wait, shutdown: ending }: ProcessContext,
): Promise<ConfigFile> {
  const named = option ?? (env.CERTFERRY_CONFIG || undefined)
  const file = resolve(cwd, named ?? DEFAULT_CONFIG)
  const waiting = {
    now: () => new Date(now()),
    wait: (ms: number) => wait(ms, ending).catch(() => undefined),
  }
  // half of a configuration is a valid one, with half of its sources, and an empty one has them all by default
  const read = await readSettled(file, waiting, () => readTextFile(file, { most: MAX_CONFIG_BYTES })).catch(
    unlessDefault(named),
  )
  if (!read) return { file: undefined, config: {}, problems: [], isToml: true, positionOf: NOWHERE }
  const { text } = read
  requireSafe(file, 'CONFIG_INVALID', 'whoever writes it decides where private keys go')
  const { config, ...reading } = await readConfigText(text)
  return { file, config: resolvePaths(config, dirname(file), home), ...reading }
}

/** The text of a configuration that may not be written yet, with paths as they stand in it. */
export async function readConfigText(text: string): Promise<Omit<ConfigFile, 'file'>> {
  // as it is installed: for that neither parser nor schema is loaded, which take a fifth of a bare start
  if (isBare(text)) return { config: {}, problems: [], isToml: true, positionOf: NOWHERE }
  const { parseToml, TomlError } = await import('./toml.ts')
  try {
    const { value, positionOf } = parseToml(text)
    const { readConfig } = await import('./validate.ts')
    return { ...readConfig(value, positionOf), isToml: true, positionOf }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const problem = { key: '', position: error.position, says: error.message }
    return { config: {}, problems: [problem], isToml: false, positionOf: NOWHERE }
  }
}

/** Nothing but comments. */
const isBare = (text: string) => text.split('\n').every(line => /^[ \t\r]*(#|$)/.test(line))

/** The configuration. @throws Fault CONFIG_UNREADABLE, or CONFIG_INVALID that names everything wrong. */
export async function loadConfig(
  option: string | undefined,
  world: ProcessContext,
): Promise<{ config: Config; file: string | undefined }> {
  const { config, file, problems } = await readConfigFile(option, world)
  if (problems.length)
    throw new Fault(
      'CONFIG_INVALID',
      problems.map(problem => `${file}: ${printableText(problemText(problem))}`).join('\n'),
    )
  return { config, file }
}

/** Nobody has to have a configuration; the one that was asked for must be there. */
const unlessDefault =
  (named: string | undefined) =>
  (error: unknown): undefined => {
    if (!(error instanceof Fault)) throw error
    if (named === undefined && error.code === 'FILE_MISSING') return undefined
    // a disk or a file server that is unwell says nothing of the configuration: the units start it again
    if (error.exit === 75) throw error
    throw new Fault('CONFIG_UNREADABLE', error.message)
  }

interface ConfigProblem {
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
  readonly positionOf: PositionOf
  readonly complaints: readonly ConfigProblem[]
  /** What is right in the file. */
  readonly config: Config
  /** Made of what is right. */
  readonly settings: Settings
}

/** @throws Fault CONFIG_UNREADABLE. */
export async function readConfiguration(world: ProcessContext, line: CommandLine): Promise<Configuration> {
  const { env, cwd } = world
  const { file, positionOf, config, problems, isToml } = await readConfigFile(line.config, world)
  const given = { options: line, env, config }
  const right = withoutInvalid(given)
  const settled = resolveSettings({ ...right.options, source: line.source }, right.env, config)
  const ofFile = [...problems, ...rescanProblems(config, positionOf)]
  return {
    isReadable: isToml,
    file,
    positionOf,
    config,
    settings: { ...settled, stateDir: resolve(cwd, settled.stateDir) },
    complaints: [
      ...ofFile.map(problem => ({
        key: problem.key,
        line: problem.position?.line,
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
    positionOf: NOWHERE,
    config: {},
    settings: resolveSettings({}, {}, {}),
    complaints: [
      { key: 'file', line: undefined, text: error.message, advice: error.advice, code: error.code },
    ],
  }
}

/** Only the schedule itself knows what it can read. */
function rescanProblems({ watch }: Config, positionOf: PositionOf): readonly Problem[] {
  const says = watch?.rescan === undefined ? undefined : scheduleProblem(watch.rescan)
  return says ? [{ key: 'watch.rescan', position: positionOf(['watch', 'rescan']), says }] : []
}

/** @throws Fault CONFIG_INVALID with all complaints, where there are any. */
export function throwIfInvalid({ complaints }: Configuration): void {
  if (complaints.length) throw new Fault('CONFIG_INVALID', complaints.map(({ text }) => text).join('\n'))
}

export interface LoadedConfig {
  readonly settings: Settings
  /** Undefined where there is none and none was named. */
  readonly configFile: string | undefined
}

/** @throws Fault of the configuration. */
export async function loadSettings(world: ProcessContext, line: CommandLine): Promise<LoadedConfig> {
  const { env, cwd } = world
  const { config, file } = await loadConfig(line.config, world)
  const settled = resolveSettings(line, env, config)
  return { settings: { ...settled, stateDir: resolve(cwd, settled.stateDir) }, configFile: file }
}
