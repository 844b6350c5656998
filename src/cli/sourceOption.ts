/** The text of --source. Pure. */
import { resolve } from 'node:path/posix'
import { Fault } from '../core/fault.ts'
import type { Source } from '../core/settings.ts'
import { KINDS } from '../core/terms.ts'

/** @throws Fault USAGE for anything but KIND=PATH of a known kind. */
export function sourceFrom(text: string, cwd: string): Source {
  const [word, ...rest] = text.split('=')
  const value = rest.join('=')
  const kind = KINDS.find(one => one === word)
  if (value && kind) return kind === 'pem' ? pem(value, cwd) : { kind, path: resolve(cwd, value), keys: {} }
  throw new Fault('USAGE', `--source: expected KIND=PATH or pem=NAME:CHAIN[:KEY], not "${text}"`, {
    advice: `KIND is one of ${KINDS.filter(one => one !== 'pem').join(', ')}.`,
  })
}

function pem(value: string, cwd: string): Source {
  const [name, chain, key, ...more] = value.split(':')
  if (!name || !chain || key === '' || more.length) {
    throw new Fault('USAGE', `--source: expected pem=NAME:CHAIN[:KEY], not "pem=${value}"`, {
      advice: 'A path with a colon goes into the configuration file: [[source]] kind = "pem".',
    })
  }
  return {
    kind: 'pem',
    name,
    chain: resolve(cwd, chain),
    key: key === undefined ? undefined : resolve(cwd, key),
    keys: {},
  }
}
