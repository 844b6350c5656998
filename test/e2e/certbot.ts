/** certbot itself, in directories of its own, against a local ACME server. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, type Environment, type Runner, run, SYSTEM_PATH } from './child.ts'
import type { Pebble } from './pebble.ts'

export interface Options {
  /** A command line; certbot gives it to /bin/sh. */
  readonly hook?: string
  /** What certbot, and with it the hook, finds in its environment. */
  readonly env?: Environment
}

export interface Certbot {
  /** What would be /etc/letsencrypt. */
  readonly config: string
  readonly issue: (lineage: string, names: readonly string[], hooked?: Options) => Promise<Ended>
  /** Whether or not it is due, with a new key: certbot makes one each time unless told otherwise. */
  readonly renew: (lineage: string, hooked?: Options) => Promise<Ended>
  readonly live: (lineage: string) => string
  readonly read: (lineage: string, file: string) => Promise<string>
}

/** `directory` must have no space in its name: certbot cuts a hook at the first one to look for its program. */
export function certbotIn(
  directory: string,
  { url, trust, httpPort }: Pebble,
  runner: Runner = run,
): Certbot {
  const config = join(directory, 'letsencrypt')
  const places = ['--config-dir', config, '--work-dir', join(directory, 'work')]
  const common = [...places, '--logs-dir', join(directory, 'logs'), '--non-interactive']
  const live = (lineage: string) => join(config, 'live', lineage)

  const certbot = (args: readonly string[], { hook, env = {} }: Options = {}) => {
    const hooks = hook === undefined ? [] : ['--deploy-hook', hook]
    const clean = { PATH: SYSTEM_PATH, HOME: directory, LANG: 'C.UTF-8', REQUESTS_CA_BUNDLE: trust }
    return runner('certbot', [...args, ...common, ...hooks], { ...clean, ...env })
  }
  const account = ['--server', url, '--agree-tos', '--register-unsafely-without-email']
  const challenge = ['--standalone', '--http-01-address', '127.0.0.1', '--http-01-port', String(httpPort)]
  return {
    config,
    live,
    read: (lineage, file) => readFile(join(live(lineage), file), 'utf8'),
    issue: (lineage, names, hooked) => {
      const wanted = ['--cert-name', lineage, ...names.flatMap(name => ['-d', name])]
      return certbot(['certonly', ...account, ...challenge, ...wanted], hooked)
    },
    renew: (lineage, hooked) => {
      const now = ['--force-renewal', '--no-random-sleep-on-renew']
      return certbot(['renew', '--cert-name', lineage, ...now], hooked)
    },
  }
}
