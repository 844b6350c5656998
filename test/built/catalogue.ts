/** Every feature that is documented, by name: commands, options, settings, variables, sources, pages, events. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HOOK_FILE_CLIENTS } from '../../src/acme/clients.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { SETTINGS } from '../../src/config/precedence.ts'
import { keysAt } from '../../src/config/validate.ts'
import { KINDS, NOTIFY_EVENTS } from '../../src/config/values.ts'

/** An option that several commands share is one option: any of these names for it will do. */
const options = (): ReadonlyArray<readonly string[]> => {
  const names = new Map<object, string[]>()
  for (const { name, options } of COMMANDS)
    for (const [option, shape] of Object.entries(options))
      names.set(shape, [...(names.get(shape) ?? []), `${name} --${option}`])
  return [...names.values()]
}

/** A key of [upload] or [deploy] may stand in a [[source]] and a [[certificate]] too, and is one key. */
function settings(): ReadonlyArray<readonly string[]> {
  const inherited = [keysAt(['upload']), keysAt(['deploy'])]
  return keysAt([]).flatMap(table => {
    const isList = table === 'source' || table === 'certificate'
    const title = isList ? `[[${table}]]` : `[${table}]`
    const keys = keysAt(isList ? [table, 0] : [table])
    const own = keys.filter(key => !isList || !inherited.flat().includes(key))
    return [
      ...own.map(key => [`${title} ${key}`]),
      ...(isList ? inherited.map(all => all.map(key => `${title} ${key}`)) : []),
    ]
  })
}

const VARIABLES = [
  ...Object.values(SETTINGS).flatMap(choice => ('variable' in choice ? [choice.variable] : [])),
  'TENCENTCLOUD_SECRET_ID',
  'TENCENTCLOUD_SECRET_KEY',
  'TENCENTCLOUD_SECRET_KEY_FILE',
  'TENCENTCLOUD_TOKEN',
  'TENCENTCLOUD_CREDENTIALS_FILE',
  'CREDENTIALS_DIRECTORY',
  'RENEWED_LINEAGE',
  ...['CERT_FULLCHAIN_PATH', 'CERT_KEY_PATH'],
  ...['LEGO_HOOK_CERT_PATH', 'LEGO_HOOK_CERT_KEY_PATH', 'LEGO_CERT_PATH', 'LEGO_CERT_KEY_PATH'],
  ...documented('reference.md', /^## Environment\n\n(.+?)\n\n/ms),
  ...documented('monitoring.md', /^(\| `CERTFERRY_.+)\n\n/ms),
]

/** The variables that a part of a page of docs/ names. */
function documented(page: string, part: RegExp): readonly string[] {
  const [, text = ''] = part.exec(readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')) ?? []
  return [...text.matchAll(/`([A-Z_]{5,})(?:=1)?`/g)].map(([, name = '']) => name)
}

/** Each line is one feature, under all names that a test may know it by. */
export const CATALOGUE: ReadonlyArray<readonly string[]> = [
  ...COMMANDS.map(({ name }) => [name]),
  ...options(),
  ...settings(),
  ...[...new Set(VARIABLES)].filter(name => name !== undefined).map(name => [name]),
  ...KINDS.map(kind => [`source ${kind}`]),
  ...HOOK_FILE_CLIENTS.map(client => [`install-hook ${client}`]),
  ...['/', '/live', '/ready', '/metrics'].map(page => [`GET ${page}`]),
  ...NOTIFY_EVENTS.map(event => [`event ${event}`]),
  ...['SIGHUP', 'SIGUSR1', 'SIGTERM'].map(signal => [signal]),
  ['role of the machine'],
  ['hook of dehydrated'],
]
