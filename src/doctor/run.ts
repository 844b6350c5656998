/** What the examinations look at: the configuration in force, and this machine. */
import type { App } from '../app.ts'
import type { Configuration } from '../config/load.ts'
import type { Source } from '../config/settings.ts'
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Listing } from '../sources/discover.ts'
import { type Finding, failure, skipped } from './finding.ts'
import type { Machine } from './machine.ts'

export interface CheckContext {
  readonly world: ProcessContext
  readonly machine: Machine
  readonly configuration: Configuration
  /** Made of what is right in the configuration. */
  readonly engine: App
  /** Those named, or the usual ones that are there. */
  readonly sources: readonly Source[]
  /** Listed once, for all who ask. @throws Fault NO_SOURCE. */
  readonly listing: () => Promise<Listing>
}

export interface Check {
  readonly about: string
  /** Keys of the configuration without which it would look at something else than what is meant. */
  readonly needs?: RegExp
  readonly look: (scene: CheckContext) => Promise<readonly Finding[]>
}

/** What was found, whatever happens: one examination that fails never hides the others. */
export const runCheck = ({ about, needs, look }: Check, scene: CheckContext): Promise<readonly Finding[]> =>
  dependsOnBrokenConfig(needs, scene)
    ? Promise.resolve([skipped(about, 'not checked: the configuration has errors')])
    : look(scene).catch(error => [failure(about, asFault(about, error))])

/** Of a list the good entries are left to look at; without them the usual ones would be looked at in their place. */
function dependsOnBrokenConfig(needs: RegExp | undefined, { configuration }: CheckContext): boolean {
  if (!needs) return false
  const { complaints, isReadable, settings } = configuration
  const touched = complaints.filter(({ key }) => needs.test(key))
  const listed = touched.every(({ key }) => key.startsWith('source['))
  return !isReadable || (touched.length > 0 && !(listed && settings.sources.length > 0))
}

/** The text of what is not a fault may quote what it was given: only its name is said. */
const asFault = (about: string, error: unknown) =>
  error instanceof Fault
    ? error
    : new Fault(
        'INTERNAL_ERROR',
        `${about} could not be checked (${error instanceof Error ? error.name : typeof error})`,
        {
          cause: error,
        },
      )
