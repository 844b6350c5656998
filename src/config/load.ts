/** Reads the configuration file. */
import { dirname, resolve } from 'node:path'
import { Fault, type FaultCode } from '../errors.ts'
import { readStableFile, readTextFile } from '../files/readFile.ts'
import { requireSafe } from '../files/safePath.ts'
import type { ProcessContext } from '../processContext.ts'
import { printableText } from '../terminal/text.ts'
import type { CommandLine } from './commandLine.ts'
import { settingProblems, withoutInvalid } from './precedence.ts'
import type { Config } from './schema.ts'
import { resolvePaths, resolveSettings, type Settings } from './settings.ts'
import { type PositionOf, type Problem, problemText } from './values.ts'

export const DEFAULT_CONFIG = '/etc/certferry/config.toml'

/** Enough for two thousand sources; the parser needs seconds for a megabyte of short tables. */
const MAX_CONFIG_BYTES = 1 << 18

interface ConfigFile {
  /** Undefined if the default file does not exist. */
  readonly file: string | undefined
  /** Its valid part, with every path absolute. */
  readonly config: Config
  readonly problems: readonly Problem[]
  readonly isToml: boolean
  readonly positionOf: PositionOf
}

const NOWHERE: PositionOf = () => undefined

const EMPTY = { config: {}, problems: [], isToml: true, positionOf: NOWHERE }

/**
 * The file with all its problems. The file of the option, else of the environment, must exist; the default need not.
 * @throws Fault CONFIG_UNREADABLE; FILE_UNAVAILABLE or TOO_MANY_OPEN_FILES if reading failed for now.
 */
async function readConfigFile(
  option: string | undefined,
  { env, cwd, home, now, sleep, shutdown }: ProcessContext,
): Promise<ConfigFile> {
  const named = option ?? (env.CERTFERRY_CONFIG || undefined)
  const file = resolve(cwd, named ?? DEFAULT_CONFIG)
  const clock = {
    now: () => new Date(now()),
    wait: (ms: number) => sleep(ms, shutdown).catch(() => undefined),
  }
  // half of a configuration is a valid one with half of its sources; an empty one has the default sources
  const read = await readStableFile(file, clock, () => readTextFile(file, { most: MAX_CONFIG_BYTES })).catch(
    unlessDefault(named),
  )
  if (!read) return { file: undefined, ...EMPTY }
  requireSafe(file, 'CONFIG_INVALID', 'it decides where private keys go')
  const { config, ...reading } = await readConfigText(read.text)
  return { file, config: resolvePaths(config, dirname(file), home), ...reading }
}

/** A configuration that may not have been written yet, with paths as they stand in the text. */
export async function readConfigText(text: string): Promise<Omit<ConfigFile, 'file'>> {
  // the file as installed is all comments: loading parser and schema would take a fifth of a start
  if (isBare(text)) return EMPTY
  const { parseToml, TomlError } = await import('./toml.ts')
  try {
    const { value, positionOf } = parseToml(text)
    const { readConfig } = await import('./validate.ts')
    const { config, problems } = readConfig(value, positionOf)
    return { config, problems: problems.toSorted(byPosition), isToml: true, positionOf }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const problem = { key: '', position: error.position, says: error.message }
    return { config: {}, problems: [problem], isToml: false, positionOf: NOWHERE }
  }
}

/** In the order of the lines; what has none comes last. */
const byPosition = ({ position: one }: Problem, { position: other }: Problem) =>
  (one?.line ?? Number.MAX_SAFE_INTEGER) - (other?.line ?? Number.MAX_SAFE_INTEGER) ||
  (one?.column ?? 0) - (other?.column ?? 0)

/** Nothing but comments. */
const isBare = (text: string) => text.split('\n').every(line => /^[ \t\r]*(#|$)/.test(line))

/** The configuration. @throws Fault CONFIG_UNREADABLE, or CONFIG_INVALID that names everything wrong. */
export async function loadConfig(
  option: string | undefined,
  context: ProcessContext,
): Promise<Pick<ConfigFile, 'config' | 'file'>> {
  const { config, file, problems } = await readConfigFile(option, context)
  if (problems.length)
    throw new Fault(
      'CONFIG_INVALID',
      problems.map(problem => `${file}: ${printableText(problemText(problem))}`).join('\n'),
    )
  return { config, file }
}

/** The default file need not exist. */
const unlessDefault =
  (named: string | undefined) =>
  (error: unknown): undefined => {
    if (!(error instanceof Fault)) throw error
    if (named === undefined && error.code === 'FILE_MISSING') return undefined
    // a failing disk or file server says nothing about the configuration: the unit starts it again
    if (error.exit === 75) throw error
    throw new Fault('CONFIG_UNREADABLE', error.message)
  }

export interface ConfigProblem {
  /** `tencent.endpoint`, `CERTFERRY_ENDPOINT` or `--endpoint`. */
  readonly key: string
  readonly line: number | undefined
  /** With file, line and key, fit for a terminal. */
  readonly text: string
  /** Replaces the fault's own advice. */
  readonly advice?: string
  /** CONFIG_INVALID if absent. */
  readonly code?: FaultCode
}

export interface Configuration {
  /** False if nothing of the file is known: it may not be read, or is no TOML. */
  readonly isReadable: boolean
  readonly file: string | undefined
  readonly positionOf: PositionOf
  readonly complaints: readonly ConfigProblem[]
  /** The valid part of the file. */
  readonly config: Config
  /** Made of the valid part. */
  readonly settings: Settings
}

/** The configuration with all its problems. @throws Fault CONFIG_UNREADABLE. */
export async function readConfiguration(context: ProcessContext, line: CommandLine): Promise<Configuration> {
  const { env, cwd } = context
  const { file, positionOf, config, problems, isToml } = await readConfigFile(line.config, context)
  const inputs = { options: line, env, config }
  const valid = withoutInvalid(inputs)
  const inFile = [...problems, ...(await rescanProblems(config, positionOf))].toSorted(byPosition)
  const ofFile = inFile.map(problem => ({
    key: problem.key,
    line: problem.position?.line,
    text: `${file}: ${printableText(problemText(problem), 1000)}`,
  }))
  const elsewhere = settingProblems(inputs).map(({ name, says }) => ({
    key: name,
    line: undefined,
    text: `${name}: ${says}`,
  }))
  return {
    isReadable: isToml,
    file,
    positionOf,
    config,
    settings: settingsIn(cwd, { ...valid.options, source: line.source }, valid.env, config),
    complaints: [...ofFile, ...elsewhere],
  }
}

/** The settings with the state directory's path absolute. */
function settingsIn(cwd: string, ...inputs: Parameters<typeof resolveSettings>): Settings {
  const settings = resolveSettings(...inputs)
  return { ...settings, stateDir: resolve(cwd, settings.stateDir) }
}

/** The defaults, for checks that go on without the configuration, and why it cannot be read. */
export function unreadableConfig(error: unknown): Configuration {
  if (!(error instanceof Fault)) throw error
  const { message: text, advice, code } = error
  return {
    isReadable: false,
    file: undefined,
    positionOf: NOWHERE,
    config: {},
    settings: resolveSettings({}, {}, {}),
    complaints: [{ key: 'file', line: undefined, text, advice, code }],
  }
}

async function rescanProblems({ watch }: Config, positionOf: PositionOf): Promise<readonly Problem[]> {
  if (watch?.rescan === undefined) return []
  const { scheduleProblem } = await import('./schedule.ts')
  const says = scheduleProblem(watch.rescan)
  return says ? [{ key: 'watch.rescan', position: positionOf(['watch', 'rescan']), says }] : []
}

/** @throws Fault CONFIG_INVALID with all problems. */
export function throwIfInvalid({ complaints }: Configuration): void {
  if (complaints.length) throw new Fault('CONFIG_INVALID', complaints.map(({ text }) => text).join('\n'))
}

export interface LoadedConfig {
  readonly settings: Settings
  /** Undefined if the default file does not exist. */
  readonly configFile: string | undefined
}

/** @throws Fault of the configuration. */
export async function loadSettings(context: ProcessContext, line: CommandLine): Promise<LoadedConfig> {
  const { config, file } = await loadConfig(line.config, context)
  return { settings: settingsIn(context.cwd, line, context.env, config), configFile: file }
}
