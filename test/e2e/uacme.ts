/**
 * uacme itself, in a directory of its own, against a server of our own. It trusts the system's authorities and no other,
 * so it runs in a mount namespace where their file is another one; this machine's stays as it is.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { type Ended, type Runner, run, SYSTEM_PATH } from './child.ts'
import type { Pebble } from './pebble.ts'
import { serveWellKnown } from './wellKnown.ts'

export interface Uacme {
  /** What `-c` names. */
  readonly root: string
  readonly issue: (domain: string) => Promise<Ended>
  /** Whether or not it is due; the key stays, which is uacme's way. */
  readonly renew: (domain: string) => Promise<Ended>
  readonly close: () => Promise<void>
}

const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'

/** Said where the tests are skipped; undefined where they can run. */
export const whyNoUacme = () =>
  geteuid?.() === 0 ? undefined : 'uacme needs root to be shown an authority of our own'

/** Writes down what it is asked for over HTTP and declines all else. */
const hookText = (answers: string) => `#!/bin/sh
[ "$2" = http-01 ] || exit 1
case "$1" in
  begin) printf %s "$5" > ${answers}/"$4" ;;
  *) rm -f ${answers}/"$4" ;;
esac
`

export async function uacmeIn(
  directory: string,
  { url, trust, httpPort }: Pebble,
  runner: Runner = run,
): Promise<Uacme> {
  const root = join(directory, 'uacme')
  const answers = join(directory, 'answers')
  const [hook, authorities] = [join(directory, 'hook.sh'), join(directory, 'authorities.crt')]
  for (const folder of [root, answers]) await mkdir(folder, { recursive: true })
  await writeFile(hook, hookText(answers))
  await chmod(hook, 0o755)
  await writeFile(
    authorities,
    [await readFile(AUTHORITIES, 'utf8'), await readFile(trust, 'utf8')].join('\n'),
  )
  const server = await serveWellKnown(answers, httpPort)
  const uacme = (words: readonly string[], runs = runner) => {
    const there = ['--mount', 'sh', '-c', `mount --bind "$0" ${AUTHORITIES} && exec "$@"`, authorities]
    const command = ['uacme', '--acme-url', url, '--confdir', root, '--hook', hook, '--yes', ...words]
    return runs('unshare', [...there, ...command], { PATH: SYSTEM_PATH, HOME: directory })
  }
  await uacme(['new', 'somebody@example.com'], run)
  return {
    root,
    issue: domain => uacme(['issue', domain]),
    renew: domain => uacme(['--force', 'issue', domain]),
    close: server.close,
  }
}
