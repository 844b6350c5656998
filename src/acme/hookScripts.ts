/** The hook files of ACME clients: their paths, their text, and how an installed one is recognised. Pure. */
import { Fault } from '../errors.ts'
import type { ProcessContext } from '../processContext.ts'
import { quoteShell } from '../terminal/text.ts'
import type { HookFileClient } from './clients.ts'

/** The program that the hook starts, with absolute paths: PATH under cron may contain neither node nor certferry. */
export type Program = ProcessContext['program']

interface Call extends Program {
  /** Options for `certferry hook`. */
  readonly options: readonly string[]
}

interface HookFile {
  /** Relative to the client's home. */
  readonly folder: string
  readonly name: string
  readonly mode: number
  readonly text: (call: Call) => string
}

/** The file at the hook's path; without text if it is not a regular file. */
export interface Found {
  readonly text?: string
  readonly mode: number
}

const DEHYDRATED = 'zz-certferry.sh'

const MARK = '# Written by certferry install-hook '

const header = (client: HookFileClient) => `${MARK}${client}; run again, that replaces it.
# To remove it: certferry install-hook ${client} --remove`

/** As in certferry.sh: no settings meant for other Node programs, and no core dump, which would hold keys. */
const SANITIZE_ENV = [
  'unset NODE_OPTIONS NODE_TLS_REJECT_UNAUTHORIZED NODE_DEBUG NODE_PATH',
  'unset NODE_COMPILE_CACHE NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS',
  '# shellcheck disable=SC3045 # a sh without -c ignores it',
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
    "  echo 'certferry was not found: run install-hook again or remove this hook'",
    '  exit 78',
    'fi',
  ].join(`\n${indent}`)

const hook = ({ main, options }: Call) =>
  [main === undefined ? '"$program" hook' : '"$node" "$main" hook', ...options.map(quoteShell)].join(' ')

export const HOOK_FILES: Readonly<Record<HookFileClient, HookFile>> = {
  certbot: {
    folder: 'renewal-hooks/deploy',
    // certbot sorts by name: hooks that reload local servers run first and do not wait for the network
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
# acme.sh sources this file and calls: domain key certificate CA fullchain PFX

# the body is a subshell, so that it does not change acme.sh's environment
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

# dehydrated sources this file with its configuration, and runs it as its hook
if [ "\${0##*/}" != ${DEHYDRATED} ]; then
  # shellcheck disable=SC2034,SC2154 # variables of dehydrated
  [ -n "\${HOOK:-}" ] || HOOK=$CONFIG_D/${DEHYDRATED}
  return 0
fi

[ "\${1:-}" = deploy_cert ] || exit 0
deploy() (
  ${start(call, '  ')}
  exec ${hook(call)} "$@"
)
# a hook that fails ends dehydrated's whole run
deploy "$@" || echo "certferry failed with exit $?: see certferry status"
exit 0
`,
  },
}

/** The files that an installed hook starts: Node and the script, or the executable. */
export const executablesIn = (text: string): readonly string[] =>
  Array.from(text.matchAll(/^\s*(?:node|main|program)=(.+)$/gm), ([, word = '']) =>
    word.startsWith("'") ? word.slice(1, -1).replaceAll("'\\''", "'") : word,
  )

export const isManaged = ({ text = '' }: Found) => text.split('\n', 2)[1]?.startsWith(MARK) ?? false

/** @throws Fault NAME_CONFLICT if another file has the hook's name. */
export function planInstall(
  path: string,
  wanted: Required<Found>,
  found: Found | undefined,
): 'written' | 'replaced' | 'unchanged' {
  if (planRemoval(path, found) === 'absent') return 'written'
  return found?.text === wanted.text && found.mode === wanted.mode ? 'unchanged' : 'replaced'
}

/** @throws Fault NAME_CONFLICT if another file has the hook's name. */
export function planRemoval(path: string, found: Found | undefined): 'removed' | 'absent' {
  if (!found) return 'absent'
  if (isManaged(found)) return 'removed'
  throw new Fault('NAME_CONFLICT', `${path}: this file was not written by certferry and is not changed`, {
    advice: 'Move it elsewhere, then run install-hook again.',
  })
}
