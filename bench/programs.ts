/** Where the measured programs are: ours, as the build and the package leave it, and those it is measured against. */
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { execPath } from 'node:process'
import type { Row } from './catalogue.ts'

export const ROOT = resolve(import.meta.dirname, '..')
const peer = (name: string) => resolve(import.meta.dirname, 'peers', name)

/** A command line, without what is asked of it. */
export type Program = readonly string[]

/** `npm run build` makes it. As certferry.sh starts it, without the shell, which is another program. */
export const BUILT: Program = [execPath, '--max-semi-space-size=16', resolve(ROOT, 'dist/main.js')]
/** `npm run package` makes it. */
export const EXECUTABLE: Program = [resolve(ROOT, 'release/certferry')]

/** Beside the executable, where dpkg-deb is at hand. */
export const RELEASE = resolve(ROOT, 'release')

export const BARE_NODE: Program = [execPath, '-e', '0']
export const SDK: Program = [execPath, peer('sdk.cjs')]
export const CURL: Program = ['/bin/bash', peer('curl.sh')]
export const STATS: Program = [execPath, peer('stats.cjs')]
export const PROOFS: Program = [execPath, peer('proofs.cjs')]
export const PACKAGES: Program = [execPath, peer('packages.mjs')]

const SOURCES = ['src', 'packaging', 'package-lock.json']
/** Ours, made of the sources as they are now. Packing takes a minute: it is left out where nothing asks for it or has changed. */
export function makeOurs(rows: readonly Row[], say: (text: string) => void): void {
  const made: ReadonlyArray<readonly [Program, script: string]> = [
    [BUILT, 'build'],
    ...(rows.some(({ group }) => group === 'hook' || group === 'package')
      ? [[EXECUTABLE, 'package'] as const]
      : []),
  ]
  const newest = Math.max(...SOURCES.flatMap(name => timesIn(resolve(ROOT, name))))
  for (const [program, script] of made) {
    const time = statSync(program.at(-1) ?? '', { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (time > newest) continue
    say(`npm run ${script} …`)
    execFileSync('npm', ['run', '--silent', script], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  }
}

function timesIn(path: string): readonly number[] {
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return [mtimeMs]
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).map(
    name => statSync(resolve(path, name)).mtimeMs,
  )
}
