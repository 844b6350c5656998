/** Reads the configuration file. */
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config } from '../core/config.ts'
import { type ConfigReading, type Problem, problemText, readConfig } from '../core/configReading.ts'
import { Fault } from '../core/fault.ts'
import { quoted } from '../core/hookFile.ts'
import { printable } from '../core/printable.ts'
import { anchored } from '../core/settings.ts'
import { type LineOf, tomlLines } from '../core/tomlLines.ts'
import type { World } from '../world.ts'
import { isReachable } from './exposure.ts'
import { BETWEEN_READS, FRESH, type Read, readText, type Waiting } from './files.ts'

export const DEFAULT_CONFIG = '/etc/certferry/config.toml'

/** Looks at a file that somebody goes on writing: five seconds' worth. */
const LOOKS = 50

export interface ConfigFile {
  /** Undefined where there is none and none was named. */
  readonly file: string | undefined
  /** What is right in it, with every path absolute. */
  readonly config: Config
  readonly problems: readonly Problem[]
  readonly lineOf: LineOf
}

const NOWHERE: LineOf = () => undefined

/**
 * Everything in the file, right and wrong. The option's file, else the environment's, must exist; the default may not.
 * @throws Fault CONFIG_UNREADABLE.
 */
export async function readConfigFile(
  option: string | undefined,
  { env, cwd, home, now, wait, ending }: World,
): Promise<ConfigFile> {
  const named = option ?? (env.CERTFERRY_CONFIG || undefined)
  if (named === undefined && !(await exists(DEFAULT_CONFIG)))
    return { file: undefined, config: {}, problems: [], lineOf: NOWHERE }
  const file = resolve(cwd, named ?? DEFAULT_CONFIG)
  const waiting = {
    now: () => new Date(now()),
    wait: (ms: number) => wait(ms, ending).catch(() => undefined),
  }
  const { text, mode } = await wholeText(file, waiting).catch(error => {
    throw error instanceof Fault ? new Fault('CONFIG_UNREADABLE', error.message) : error
  })
  if (mode & 0o002 && (await isReachable(file)))
    throw new Fault('CONFIG_INVALID', `${file}: may be written by every user of this machine`, {
      advice: `chmod o-w ${quoted(file)}: whoever writes it decides where private keys go.`,
    })
  const reading = await readConfigText(text)
  const [config, problems] =
    'problems' in reading ? [reading.rest, reading.problems] : ([reading.config, []] as const)
  // of a text that is no TOML no line is asked for
  const lineOf = problems.some(({ column }) => column !== undefined) ? NOWHERE : tomlLines(text)
  return { file, config: anchored(config, dirname(file), home), problems, lineOf }
}

/** The text of a configuration that may not be written yet, with paths as they stand in it. */
export async function readConfigText(text: string): Promise<ConfigReading> {
  const parsed = await parse(text)
  return 'problem' in parsed
    ? { problems: [parsed.problem], rest: {} }
    : readConfig(parsed.value, tomlLines(text))
}

/** The configuration. @throws Fault CONFIG_UNREADABLE, or CONFIG_INVALID that names everything wrong. */
export async function loadConfig(
  option: string | undefined,
  world: World,
): Promise<{ config: Config; file: string | undefined }> {
  const { config, file, problems } = await readConfigFile(option, world)
  if (problems.length)
    throw new Fault(
      'CONFIG_INVALID',
      problems.map(problem => `${file}: ${printable(problemText(problem))}`).join('\n'),
    )
  return { config, file }
}

/** Half of a configuration is a valid one, with half of its sources: one that is being written is read until it stays. */
async function wholeText(file: string, { now, wait }: Waiting): Promise<Read> {
  let before = await readText(file)
  for (let looks = 0; now().getTime() - before.writtenAt < FRESH; looks++) {
    if (looks === LOOKS) throw new Fault('CONFIG_UNREADABLE', `${file}: changes all the time`)
    await wait(BETWEEN_READS)
    const read = await readText(file)
    if (read.text === before.text) return read
    before = read
  }
  return before
}

const exists = (file: string) =>
  access(file).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
  )

async function parse(text: string): Promise<{ readonly value: unknown } | { readonly problem: Problem }> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return { value: parse(text) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // the first line of its message: the others quote the text
    const says = error.message.split('\n', 1)[0]?.replace('Invalid TOML document: ', '') ?? 'no TOML'
    return { problem: { key: '', line: error.line, column: error.column, says } }
  }
}
