/** The text of --source. Pure. */
import { resolve } from 'node:path/posix'
import { Fault } from '../core/fault.ts'
import type { Source } from '../core/settings.ts'

/** @throws Fault USAGE for anything but KIND=PATH of a known kind. */
export function sourceFrom(text: string, cwd: string): Source {
  const [kind, ...rest] = text.split('=')
  const value = rest.join('=')
  if (value && (kind === 'certbot' || kind === 'acme.sh'))
    return { kind, path: resolve(cwd, value), keys: {} }
  if (value && kind === 'pem') return pem(value, cwd)
  throw new Fault(
    'USAGE',
    `--source: expected certbot=DIR, acme.sh=DIR or pem=NAME:CHAIN[:KEY], not "${text}"`,
  )
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
