/** The repository's path, and the time of everything that is built: the last commit's, so that two builds are the same. */
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { env } from 'node:process'

export const ROOT = resolve(import.meta.dirname, '..')

/** Seconds since 1970. https://reproducible-builds.org/specs/source-date-epoch/ */
export const EPOCH = Number(
  env.SOURCE_DATE_EPOCH ??
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }),
)
