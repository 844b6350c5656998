/** Reads the configuration file. */
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config } from '../core/config.ts'
import { readConfig } from '../core/configReading.ts'
import { Fault } from '../core/fault.ts'
import { printable } from '../core/printable.ts'
import { anchored } from '../core/settings.ts'
import type { World } from '../world.ts'
import { BETWEEN_READS, FRESH, readText, type Waiting } from './files.ts'

export const DEFAULT_CONFIG = '/etc/certferry/config.toml'

/** Looks at a file that somebody goes on writing: five seconds' worth. */
const LOOKS = 50

/** The option's file, else the environment's, must exist; the default may not. @throws Fault CONFIG_UNREADABLE or CONFIG_INVALID. */
export async function loadConfig(
  option: string | undefined,
  { env, cwd, home, now, wait, ending }: World,
): Promise<{ config: Config; file: string | undefined }> {
  const named = option ?? (env.CERTFERRY_CONFIG || undefined)
  if (named === undefined && !(await exists(DEFAULT_CONFIG))) return { config: {}, file: undefined }
  const file = resolve(cwd, named ?? DEFAULT_CONFIG)
  const waiting = {
    now: () => new Date(now()),
    wait: (ms: number) => wait(ms, ending).catch(() => undefined),
  }
  const text = await wholeText(file, waiting).catch(error => {
    throw error instanceof Fault ? new Fault('CONFIG_UNREADABLE', error.message) : error
  })
  const reading = readConfig(await parsed(text, file))
  if ('problems' in reading)
    throw new Fault(
      'CONFIG_INVALID',
      reading.problems.map(problem => `${file}: ${printable(problem)}`).join('\n'),
    )
  return { config: anchored(reading.config, dirname(file), home), file }
}

/** Half of a configuration is a valid one, with half of its sources: one that is being written is read until it stays. */
async function wholeText(file: string, { now, wait }: Waiting): Promise<string> {
  let before = await readText(file)
  for (let looks = 0; now().getTime() - before.writtenAt < FRESH; looks++) {
    if (looks === LOOKS) throw new Fault('CONFIG_UNREADABLE', `${file}: changes all the time`)
    await wait(BETWEEN_READS)
    const { text, writtenAt } = await readText(file)
    if (text === before.text) return text
    before = { text, writtenAt }
  }
  return before.text
}

const exists = (file: string) =>
  access(file).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
  )

async function parsed(text: string, file: string): Promise<unknown> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const what = error.message.split('\n', 1)[0]?.replace('Invalid TOML document: ', '')
    throw new Fault('CONFIG_INVALID', `${file}: line ${error.line}, column ${error.column}: ${what}`, {
      advice: 'Correct the file at that place; it must be TOML.',
    })
  }
}
