/** The files by which ACME clients call certferry: where they lie, what stands in them, whose they are. Pure. */
import { Fault } from '../errors.ts'
import { quoteShell } from '../terminal/text.ts'

/** Clients whose hook is a file in a folder of theirs. */
export const CLIENTS = ['certbot', 'acme.sh', 'dehydrated'] as const

export type Client = (typeof CLIENTS)[number]

/** What the hook starts, with absolute paths: an ACME client under cron knows neither node nor certferry. */
export interface Call {
  /** What runs: Node, or the self-contained program. */
  readonly node: string
  /** What Node is given to run; undefined where the program brings everything in itself. */
  readonly main: string | undefined
  /** Words for `certferry hook`. */
  readonly options: readonly string[]
}

interface HookFile {
  /** Below its own directory. */
  readonly folder: string
  readonly name: string
  readonly mode: number
  readonly text: (call: Call) => string
}

/** What lies at the hook's path; without text where it is no regular file. */
export interface Found {
  readonly text?: string
  readonly mode: number
}

const DEHYDRATED = 'zz-certferry.sh'

const MARK = '# Written by certferry install-hook '

const header = (client: Client) => `${MARK}${client}; run again, that replaces it.
# To remove it: certferry install-hook ${client} --remove`

/** As certferry.sh has it: nothing that is meant for other programs of Node, and no dump, which would hold keys. */
const SANITIZE_ENV = [
  'unset NODE_OPTIONS NODE_TLS_REJECT_UNAUTHORIZED NODE_DEBUG NODE_PATH',
  'unset NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS',
  '# shellcheck disable=SC3045 # a sh that knows no -c goes on without',
  'ulimit -c 0 2>/dev/null || :',
]

const start = ({ node, main }: Call, indent = '') =>
  [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'export PATH',
    ...SANITIZE_ENV,
    ...(main === undefined
      ? [`program=${quoteShell(node)}`, 'if [ ! -x "$program" ]; then']
      : [
          `node=${quoteShell(node)}`,
          `main=${quoteShell(main)}`,
          'if [ ! -x "$node" ] || [ ! -r "$main" ]; then',
        ]),
    "  echo 'certferry is gone from where it was: install or remove its hook again'",
    '  exit 78',
    'fi',
  ].join(`\n${indent}`)

const hook = ({ main, options }: Call) =>
  [main === undefined ? '"$program" hook' : '"$node" "$main" hook', ...options.map(quoteShell)].join(' ')

export const HOOK_FILES: Readonly<Record<Client, HookFile>> = {
  certbot: {
    folder: 'renewal-hooks/deploy',
    // certbot sorts by name: hooks that reload servers on this machine come first and do not wait for the network
    name: 'zz-certferry',
    mode: 0o755,
    text: call => `#!/bin/sh\n${header('certbot')}\n${start(call)}\nexec ${hook(call)}\n`,
  },
  'acme.sh': {
    folder: 'deploy',
    name: 'certferry.sh',
    mode: 0o644,
    text: call => `#!/usr/bin/env sh
${header('acme.sh')}
# acme.sh reads this file and calls: domain key certificate CA fullchain PFX

# the body is a subshell: nothing in it reaches acme.sh's own environment
certferry_deploy() (
  ${start(call, '  ')}
  RENEWED_LINEAGE='' CERT_KEY_PATH=$2 CERT_FULLCHAIN_PATH=$5
  export RENEWED_LINEAGE CERT_KEY_PATH CERT_FULLCHAIN_PATH
  status=0
  ${hook(call)} || status=$?
  # acme.sh takes 2 for "skipped"
  [ "$status" -ne 2 ] || status=1
  exit "$status"
)
`,
  },
  dehydrated: {
    folder: 'conf.d',
    name: DEHYDRATED,
    mode: 0o755,
    text: call => `#!/bin/sh
${header('dehydrated')}

# dehydrated reads this file with its configuration, and calls it as its hook
if [ "\${0##*/}" != ${DEHYDRATED} ]; then
  # shellcheck disable=SC2034,SC2154 # both are dehydrated's; a hook stays
  [ -n "\${HOOK:-}" ] || HOOK=$CONFIG_D/${DEHYDRATED}
  return 0
fi

[ "\${1:-}" = deploy_cert ] || exit 0
deploy() (
  ${start(call, '  ')}
  exec ${hook(call)} "$@"
)
# dehydrated gives up its whole run where a hook fails
deploy "$@" || echo "certferry ended with $?: see certferry status"
exit 0
`,
  },
}

/** The files that a hook of ours starts: Node and the program, or the program alone. */
export const executablesIn = (text: string): readonly string[] =>
  Array.from(text.matchAll(/^\s*(?:node|main|program)=(.+)$/gm), ([, word = '']) =>
    word.startsWith("'") ? word.slice(1, -1).replaceAll("'\\''", "'") : word,
  )

export const isManaged = ({ text = '' }: Found) => text.split('\n', 2)[1]?.startsWith(MARK) ?? false

/** @throws Fault NAME_CONFLICT where somebody else's file has the hook's name. */
export function planInstall(
  path: string,
  wanted: Required<Found>,
  found: Found | undefined,
): 'written' | 'replaced' | 'unchanged' {
  if (!found) return 'written'
  if (!isManaged(found)) throw nameConflict(path)
  return found.text === wanted.text && found.mode === wanted.mode ? 'unchanged' : 'replaced'
}

/** @throws Fault NAME_CONFLICT where somebody else's file has the hook's name. */
export function planRemoval(path: string, found: Found | undefined): 'removed' | 'absent' {
  if (!found) return 'absent'
  if (!isManaged(found)) throw nameConflict(path)
  return 'removed'
}

const nameConflict = (path: string) =>
  new Fault('NAME_CONFLICT', `${path}: certferry did not write this and leaves it as it is`, {
    advice: 'Look what it is; move it away, then run install-hook again.',
  })
