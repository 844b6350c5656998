/** Reads the configuration file. */
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config } from '../core/config.ts'
import { readConfig } from '../core/configReading.ts'
import { Fault } from '../core/fault.ts'
import { printable } from '../core/printable.ts'
import { anchored } from '../core/settings.ts'
import { readText } from './files.ts'

export const DEFAULT_CONFIG = '/etc/certferry/config.toml'

/** `named` must exist; the default file may not. @throws Fault CONFIG_UNREADABLE or CONFIG_INVALID. */
export async function loadConfig(
  named: string | undefined,
  cwd: string,
  home: string,
): Promise<{ config: Config; file: string | undefined }> {
  if (named === undefined && !(await exists(DEFAULT_CONFIG))) return { config: {}, file: undefined }
  const file = resolve(cwd, named ?? DEFAULT_CONFIG)
  const { text } = await readText(file).catch(error => {
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
