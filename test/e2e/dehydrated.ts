/** dehydrated itself, in a directory of its own, against a server of our own. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, type Environment, type Runner, run, SYSTEM_PATH } from './child.ts'
import type { Pebble } from './pebble.ts'
import { serveWellKnown } from './wellKnown.ts'

export interface Dehydrated {
  /** BASEDIR. */
  readonly root: string
  readonly issue: (domain: string, env?: Environment) => Promise<Ended>
  /** Whether or not it is due, with a new key: dehydrated's default. */
  readonly renew: (domain: string, env?: Environment) => Promise<Ended>
  readonly close: () => Promise<void>
}

export interface Options {
  /** A program; dehydrated calls it with the name of an operation and its facts. */
  readonly hook?: string
  readonly runner?: Runner
}

export async function dehydratedIn(
  directory: string,
  { url, trust, httpPort }: Pebble,
  { hook, runner = run }: Options = {},
): Promise<Dehydrated> {
  const root = join(directory, 'dehydrated')
  const answers = join(directory, 'answers')
  const more = join(root, 'conf.d')
  for (const folder of [more, answers]) await mkdir(folder, { recursive: true })
  const config = join(root, 'config')
  const settings = {
    CA: url,
    BASEDIR: root,
    CONFIG_D: more,
    WELLKNOWN: answers,
    CURL_OPTS: `--cacert ${trust}`,
    HOOK: hook,
  }
  const lines = Object.entries(settings).flatMap(([key, value]) => (value ? [`${key}="${value}"\n`] : []))
  await writeFile(config, lines.join(''))
  const server = await serveWellKnown(answers, httpPort)
  const dehydrated = (words: readonly string[], env: Environment = {}, runs = runner) =>
    runs('dehydrated', ['-f', config, ...words], { PATH: SYSTEM_PATH, HOME: directory, ...env })
  await dehydrated(['--register', '--accept-terms'], {}, run)
  return {
    root,
    issue: (domain, env) => dehydrated(['-c', '-d', domain], env),
    renew: (domain, env) => dehydrated(['-c', '-x', '-d', domain], env),
    close: server.close,
  }
}
