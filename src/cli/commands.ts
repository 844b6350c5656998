/** The commands, their options and their texts in `--help`. */
import {
  type CommandLine,
  DEADLINE,
  globals,
  HOOK,
  INSTALL,
  LIMIT,
  METRICS,
  NOTIFY,
  type OptionTable,
  PORT,
  REPLACE,
  SETUP,
  STATUS,
  SYNC,
} from '../config/commandLine.ts'
import type { ProcessContext } from '../processContext.ts'

/** Path of the packaged program. `--help` shows the command that started this process instead. */
export const PACKAGED = '/usr/bin/certferry'

/** In the order of `--help`. */
export const GROUPS = ['Get started', 'Every day', 'Tools'] as const

export interface Command {
  readonly name: string
  readonly group: (typeof GROUPS)[number]
  /** One sentence without its full stop. */
  readonly summary: string
  /** Follows the name in `--help`. */
  readonly operands: string
  /** Its own, then those that it shares with others. */
  readonly options: OptionTable
  /** certbot takes anything on standard error for an error of the hook. */
  readonly errorsToStdout?: true
  readonly details: string
  /** The command's code; `run` resolves to the exit code. */
  readonly load: () => Promise<{
    readonly run: (context: ProcessContext, line: CommandLine) => Promise<number>
  }>
}

const READING = globals('config', 'state-dir', 'source', 'endpoint', 'log-level', 'quiet', 'json')

const SENDING = { ...READING, ...globals('rate') }

/** What install-hook writes into the hook. */
const HANDED_ON = globals('config', 'state-dir', 'source', 'endpoint', 'rate', 'log-level', 'json')

export const COMMANDS: readonly Command[] = [
  {
    name: 'setup',
    group: 'Get started',
    summary: 'ask a few questions and set up certferry on this server',
    operands: '[OPTION]…',
    options: { ...SETUP, ...globals('source', 'endpoint', 'json') },
    details: `Stores the API key, from a file or TENCENTCLOUD_SECRET_ID and _KEY, in
/etc/tencentcloud/credentials, mode 0600. Keeps a copy of each file it changes,
but not of an old key.`,
    load: () => import('../commands/setup.ts'),
  },
  {
    name: 'demo',
    group: 'Get started',
    summary: 'show how certferry works, in one minute, without an account',
    operands: '',
    options: {},
    details: `Starts a local fake API, issues, renews and uploads certificates, puts a renewed
one in place, and cleans up.`,
    load: () => import('../commands/demo.ts'),
  },
  {
    name: 'check',
    group: 'Get started',
    summary: 'examine files, network and account, and say what to fix',
    operands: '[OPTION]…',
    options: SENDING,
    details: `Checks runtime, configuration, each source and file as this user, watches,
state, hooks and daemon; then the connection to the service, step by step, and
what replacing needs: permissions, role, where IDs are bound. A search of the
service may take a minute. Each line is ok, WARN, FAIL or - (not reached, or not
used), with the command that fixes it. Changes nothing and shows no secret.
Exit: 0 without failures, even with warnings; else the code of the most severe
failure. All messages and symptoms: docs/troubleshooting.md.`,
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'status',
    group: 'Every day',
    summary: 'show what needs a person, and the state of each certificate',
    operands: '[NAME|PATTERN] [OPTION]…',
    options: { ...STATUS, ...READING },
    details: `Shows the daemon, why uploads are paused, and each problem with what to do; then
a line for each certificate. With a NAME from the table, shows that certificate
in full: its IDs, where they are bound, jobs, handshakes. A PATTERN has * or ?.
Sends nothing and writes nothing. Exits 0 even if certificates have problems.`,
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'sync',
    group: 'Every day',
    summary: 'upload every certificate that has changed',
    operands: '[OPTION]…',
    options: { ...SYNC, ...LIMIT, ...METRICS, ...SENDING },
    errorsToStdout: true,
    details: `Without a source, reads each ACME client's usual directory. If [deploy] replace
is on, replaces older IDs with the new one: docs/deploy.md. Exit: 0 success, 75
try again later, 65 bad certificate, 66 input missing, 69 not replaced, 74 state
directory, 76 refused, 77 credentials or permission, 78 configuration, 64 usage.`,
    load: () => import('../commands/sync.ts'),
  },
  {
    name: 'watch',
    group: 'Every day',
    summary: 'run as a service that uploads each renewal as it happens',
    operands: '[OPTION]…',
    options: SENDING,
    errorsToStdout: true,
    details: `Watches the directories of all sources, rescans on a schedule, and retries after
failures. If [deploy] replace is on, also puts each renewal in place. SIGHUP
reloads the configuration, SIGUSR1 rescans now, SIGTERM finishes uploads in
progress and exits.
Under systemd: see docs/operating.md.`,
    load: () => import('../commands/watch.ts'),
  },
  {
    name: 'hook',
    group: 'Every day',
    summary: 'upload the certificate that an ACME client has just renewed',
    operands: '[--chain FILE --key FILE --name NAME] [WORD…]',
    options: { ...HOOK, ...DEADLINE, ...METRICS, ...SENDING },
    errorsToStdout: true,
    details: `Finds the certificate in its arguments (dehydrated), else in RENEWED_LINEAGE
(certbot), CERT_FULLCHAIN_PATH and CERT_KEY_PATH (acme.sh), LEGO_HOOK_CERT_PATH
and LEGO_HOOK_CERT_KEY_PATH (lego 5; lego 4 without HOOK_), else in the options.
Needs no configuration. With an argument other than deploy_cert it does nothing
and exits 0. To add it to the hooks that a client already has:
  ${PACKAGED} install-hook acme.sh`,
    load: () => import('../commands/hook.ts'),
  },
  {
    name: 'replace',
    group: 'Every day',
    summary: 'put one certificate in place of its older ones now',
    operands: 'NAME [OPTION]…',
    options: { ...REPLACE, ...LIMIT, ...SENDING },
    details: `Does for one lineage, at once, what \`sync\` does if [deploy] replace is on: finds
where older IDs are bound, replaces them, and checks that the addresses serve
the new certificate. See docs/deploy.md.`,
    load: () => import('../commands/replace.ts'),
  },
  {
    name: 'rollback',
    group: 'Every day',
    summary: 'put the previous certificate back in place',
    operands: 'NAME [OPTION]…',
    options: { ...LIMIT, ...SENDING },
    details: `The certificate stays in place until the next renewal, or until you run
\`certferry replace NAME --force\`.`,
    load: () => import('../commands/rollback.ts'),
  },
  {
    name: 'install-hook',
    group: 'Tools',
    summary: 'make an ACME client call certferry at every renewal',
    operands: 'certbot|acme.sh|dehydrated|lego|uacme [--remove]',
    options: { ...INSTALL, ...DEADLINE, ...HANDED_ON },
    details: `Writes DIR/renewal-hooks/deploy/zz-certferry (certbot), DIR/deploy/certferry.sh
(acme.sh) or conf.d/zz-certferry.sh (dehydrated). DIR is the client's own
folder, found by its certificates, files and crontabs. For other clients it
prints what to do. The hook contains --config, --state-dir, --endpoint,
--log-level, --rate and --deadline, if they are given.`,
    load: () => import('../commands/installHook.ts'),
  },
  {
    name: 'inspect',
    group: 'Tools',
    summary: 'show what is in PEM files, and whether they would be uploaded',
    operands: 'FILE…',
    options: globals('config', 'json'),
    details: `Give chain and key together to check that they match:
  certferry inspect fullchain.pem privkey.pem
Shows only the type of a private key.`,
    load: () => import('../commands/inspect.ts'),
  },
  {
    name: 'config',
    group: 'Tools',
    summary: 'show the configuration in force, or check it',
    operands: 'print|check [OPTION]…',
    options: SENDING,
    details: `print  shows every value with its origin, as a valid configuration; the login
       of a proxy is masked
check  checks the file, CERTFERRY_* and options; lists all errors with line and
       column, and exits 78 if there are any`,
    load: () => import('../commands/config.ts'),
  },
  {
    name: 'notify',
    group: 'Tools',
    summary: 'send a sample through the channels of [notify]',
    operands: '--test [OPTION]…',
    options: { ...NOTIFY, ...globals('config', 'quiet', 'json') },
    details: `Sends one sample through each channel that is configured in [notify]: command,
mail and webhook. Prints the results. The event of the samples is test.
Exit: 0 all sent, 75 one failed, 78 no channel is configured.`,
    load: () => import('../commands/notify.ts'),
  },
  {
    name: 'forget',
    group: 'Tools',
    summary: 'remove one certificate from the records',
    operands: 'NAME [OPTION]…',
    options: globals('config', 'state-dir', 'log-level', 'json'),
    details: `NAME as \`certferry status\` shows it, with or without its kind. Prints the IDs;
they stay in the account. If the files are still there, the next run uploads
them once, and the service answers with the ID that it has. Older IDs that are
still bound are not replaced any more: docs/operating.md.`,
    load: () => import('../commands/forget.ts'),
  },
  {
    name: 'emulator',
    group: 'Tools',
    summary: 'run a local emulator of the SSL API, for experiments',
    operands: '[--port N] [--resources FILE] [--inject-faults SEED]',
    options: { ...PORT, ...globals('rate') },
    details: `Prints its URL in the first line, then one line for each request. Ctrl-C ends
it. FILE describes CDN domains, load balancers and so on. The API replaces their
certificates, and a TLS server on loopback serves them. For example:
  {"resources": [{"type": "cdn", "domains": ["www.example.com"],
                  "certId": "first:www.example.com"}]}
All members: docs/reference.md.`,
    load: () => import('../commands/emulator.ts'),
  },
]
