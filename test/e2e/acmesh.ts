/** acme.sh itself, with a home of its own. */
import { accessSync, constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type Ended, type Environment, type Runner, run, SYSTEM_PATH } from './child.ts'
import type { Pebble } from './pebble.ts'

interface AcmeSh {
  readonly home: string
  readonly issue: (domain: string, more?: Options) => Promise<Ended>
  /** Whether or not it is due; runs the reload command given at issuance. The key stays, which is acme.sh's default. */
  readonly renew: (domain: string, more?: Options) => Promise<Ended>
  readonly read: (domain: string, file: string) => Promise<string>
}

export interface Options {
  /** A command line; acme.sh gives it to its own shell. */
  readonly reload?: string
  /** At issuance: from then on every renewal is for a key of its own. */
  readonly newKeys?: boolean
  readonly env?: Environment
}

const executable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * ACME_SH, or the first acme.sh on the PATH; no distribution packages it.
 * @throws where ACME_SH is set and wrong.
 */
export function findAcmeSh({ ACME_SH, PATH = '' }: NodeJS.ProcessEnv): string | undefined {
  if (ACME_SH && !executable(ACME_SH)) throw new Error(`ACME_SH: ${ACME_SH} cannot be executed`)
  return (
    ACME_SH ||
    PATH.split(delimiter)
      .map(directory => join(directory, 'acme.sh'))
      .find(executable)
  )
}

export function acmeShIn(
  directory: string,
  script: string,
  { url, trust, httpPort }: Pebble,
  runner: Runner = run,
): AcmeSh {
  const home = join(directory, 'acme.sh')
  const acmeSh = (args: readonly string[], { reload, newKeys = false, env = {} }: Options = {}) => {
    const reloading = reload === undefined ? [] : ['--reloadcmd', reload]
    const keys = newKeys ? ['--always-force-new-domain-key'] : []
    const clean = { PATH: SYSTEM_PATH, HOME: directory, LANG: 'C.UTF-8' }
    return runner(script, ['--home', home, ...args, ...reloading, ...keys], { ...clean, ...env })
  }
  const server = ['--server', url, '--ca-bundle', trust]
  const challenge = ['--standalone', '--httpport', String(httpPort), '--local-address', '127.0.0.1']
  return {
    home,
    // never --install: it asks hosts outside whether there is a newer acme.sh
    issue: (domain, more) => acmeSh(['--issue', '-d', domain, ...server, ...challenge], more),
    renew: (domain, more) => acmeSh(['--renew', '-d', domain, '--ecc', '--force', ...server], more),
    read: (domain, file) => readFile(join(home, `${domain}_ecc`, file), 'utf8'),
  }
}
