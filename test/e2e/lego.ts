/** lego itself, in a directory of its own, against a server of our own. */
import { join } from 'node:path'
import { type Ended, type Environment, type Runner, run, SYSTEM_PATH } from './child.ts'
import type { Pebble } from './pebble.ts'

export interface Lego {
  /** What `--path` names; certificates lie in its folder of that name. */
  readonly root: string
  readonly issue: (domain: string, hooked?: Hooked) => Promise<Ended>
  /** Whether or not it is due, with a new key: lego makes one unless told otherwise. */
  readonly renew: (domain: string, hooked?: Hooked) => Promise<Ended>
}

export interface Hooked {
  /** lego cuts it at blanks, without any quoting. */
  readonly hook?: string
  readonly env?: Environment
  /** As lego calls them; its own default is `ec256`. */
  readonly keyType?: 'rsa2048'
}

export function legoIn(directory: string, { url, trust, httpPort }: Pebble, runner: Runner = run): Lego {
  const root = join(directory, 'lego')
  const account = ['--path', root, '--server', url, '--accept-tos', '--email', 'somebody@example.com']
  const lego = (domain: string, words: readonly string[], { env = {}, keyType }: Hooked = {}) => {
    const wanted = ['-d', domain, '--http', '--http.port', `127.0.0.1:${httpPort}`]
    if (keyType) wanted.push('--key-type', keyType)
    const clean = { PATH: SYSTEM_PATH, HOME: directory, LEGO_CA_CERTIFICATES: trust }
    return runner('lego', [...account, ...wanted, ...words], { ...clean, ...env })
  }
  const now = ['--days', '1000', '--no-random-sleep']
  return {
    root,
    issue: (domain, { hook, ...rest } = {}) =>
      lego(domain, ['run', ...(hook === undefined ? [] : ['--run-hook', hook])], rest),
    renew: (domain, { hook, ...rest } = {}) =>
      lego(domain, ['renew', ...now, ...(hook === undefined ? [] : ['--renew-hook', hook])], rest),
  }
}
