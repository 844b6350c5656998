/** One check of `certferry check`, and what every check gets. */
import { type CronLine, cronLines } from '../acme/crontab.ts'
import type { App } from '../app.ts'
import type { Configuration } from '../config/load.ts'
import type { Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import { currentUser, type User } from '../files/permissions.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Listing } from '../sources/discover.ts'
import { type Process, processes, type Systemctl, systemctl } from '../systemd/systemctl.ts'
import { type Finding, failure, skipped } from './finding.ts'

/** What is asked of this machine beside files; tests have their own. */
export interface Machine {
  readonly systemctl: Systemctl
  readonly processes: () => Promise<readonly Process[]>
  readonly cronLines: () => Promise<readonly CronLine[]>
  readonly user: () => User
}

export const thisMachine: Machine = { systemctl, processes, cronLines, user: currentUser }

export interface CheckContext {
  readonly context: ProcessContext
  readonly machine: Machine
  readonly configuration: Configuration
  /** Made of the valid part of the configuration. */
  readonly app: App
  /** The configured sources, or the usual ones that exist. */
  readonly sources: readonly Source[]
  /** Done once for all checks. @throws Fault NO_SOURCE. */
  readonly listing: () => Promise<Listing>
}

export interface Check {
  readonly about: string
  /** Keys of the configuration that must be valid: without them something else than intended would be checked. */
  readonly needs?: RegExp
  readonly run: (check: CheckContext) => Promise<readonly Finding[]>
}

/** Never rejects: one check that fails hides no other. */
export async function runCheck(
  { about, needs, run }: Check,
  context: CheckContext,
): Promise<readonly Finding[]> {
  if (needs && isBroken(needs, context.configuration))
    return [skipped(about, 'not checked: the configuration has errors')]
  return run(context).catch(error => [failure(about, asFault(about, error))])
}

/** The valid entries of a list are checked; if there are none, the usual sources would be checked in their place. */
function isBroken(needs: RegExp, { complaints, isReadable, settings }: Configuration): boolean {
  if (!isReadable) return true
  const touched = complaints.filter(({ key }) => needs.test(key))
  const isListed = touched.every(({ key }) => key.startsWith('source[')) && settings.sources.length > 0
  return touched.length > 0 && !isListed
}

/** Only the name of an unexpected error is shown: its message may quote a secret. */
function asFault(about: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const name = error instanceof Error ? error.name : typeof error
  return new Fault('INTERNAL_ERROR', `${about} could not be checked (${name})`, { cause: error })
}
