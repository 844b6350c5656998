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
    summary: 'set up certferry on this server, by a few questions',
    operands: '[OPTION]…',
    options: { ...SETUP, ...globals('source', 'endpoint', 'json') },
    details: `Stores the API key, from a file or TENCENTCLOUD_SECRET_ID and _KEY, in
/etc/tencentcloud/credentials, mode 0600. Saves a copy of each file it changes,
but none of a former key.`,
    load: () => import('../commands/setup.ts'),
  },
  {
    name: 'demo',
    group: 'Get started',
    summary: 'show it at work in one minute, without an account',
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
what replacing needs: rights, role, what is bound where. It only reads; a search
of the service may take it a minute. Each line is ok, WARN, FAIL or - (not
reached), with the command that fixes it. Stores nothing and shows no secret.
Exit: 0 without failures, even with warnings; else the code of the most severe
failure. Every message and symptom: docs/troubleshooting.md.`,
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'status',
    group: 'Every day',
    summary: 'show what needs a person, and the state of each certificate',
    operands: '[NAME|PATTERN] [OPTION]…',
    options: { ...STATUS, ...READING },
    details: `Begins with the daemon, why uploads are paused, and what is wrong with what to
do; then a line for each certificate. With NAME, as the table shows it, one in
full: its IDs, where they are bound, jobs, handshakes. A PATTERN has * or ?.
Sends nothing and writes nothing. Exits 0 whatever is wrong with certificates.`,
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'sync',
    group: 'Every day',
    summary: 'upload every certificate that has changed',
    operands: '[OPTION]…',
    options: { ...SYNC, ...LIMIT, ...METRICS, ...SENDING },
    errorsToStdout: true,
    details: `Without a source, reads each ACME client's usual directory. Where [deploy]
replace is on, the new ID takes the place of older ones: docs/deploy.md. Exit:
0 success, 75 try again later, 65 bad certificate, 66 input missing, 69 not
replaced, 74 state, 76 refused, 77 rights, 78 configuration, 64 usage.`,
    load: () => import('../commands/sync.ts'),
  },
  {
    name: 'watch',
    group: 'Every day',
    summary: 'run as a service that uploads each renewal as it happens',
    operands: '[OPTION]…',
    options: SENDING,
    errorsToStdout: true,
    details: `Watches the directories of all sources, rescans on a schedule, retries what
failed, and where [deploy] replace is on puts each renewal in place. SIGHUP
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
and LEGO_HOOK_CERT_KEY_PATH (lego; 4 without HOOK_), else in the options. Needs
no configuration. With an argument other than deploy_cert it does nothing
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
    details: `What \`sync\` does where [deploy] replace is on, for one lineage and at once:
finds where older IDs are bound, replaces them, and asks the addresses whether
they serve the new certificate. See docs/deploy.md.`,
    load: () => import('../commands/replace.ts'),
  },
  {
    name: 'rollback',
    group: 'Every day',
    summary: 'put the previous certificate back in place',
    operands: 'NAME [OPTION]…',
    options: { ...LIMIT, ...SENDING },
    details: `Nothing is replaced again until the next renewal, or \`certferry replace NAME
--force\`.`,
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
folder, found by its certificates, files and crontabs. The others have no place
for it, and what is to be done is said. --config, --state-dir, --endpoint,
--log-level, --rate and --deadline, where given, go into the hook.`,
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
Of a private key only its type is shown.`,
    load: () => import('../commands/inspect.ts'),
  },
  {
    name: 'config',
    group: 'Tools',
    summary: 'show the configuration in force, or check it',
    operands: 'print|check [OPTION]…',
    options: SENDING,
    details: `print  shows every value with its origin, as a valid configuration; the
       password of a proxy is masked
check  checks the file, CERTFERRY_* and options; on mistakes, lists all of them
       with line and column, and exits 78`,
    load: () => import('../commands/config.ts'),
  },
  {
    name: 'notify',
    group: 'Tools',
    summary: 'send a sample through the channels of [notify]',
    operands: '--test [OPTION]…',
    options: { ...NOTIFY, ...globals('config', 'quiet', 'json') },
    details: `Sends one sample through the command and one through the webhook of [notify],
and prints the results. CERTFERRY_EVENT, and "event" in the JSON, is test.
Exit: 0 all sent, 75 one failed, 78 none is configured.`,
    load: () => import('../commands/notify.ts'),
  },
  {
    name: 'forget',
    group: 'Tools',
    summary: 'take one certificate out of the records',
    operands: 'NAME [OPTION]…',
    options: globals('config', 'state-dir', 'log-level', 'json'),
    details: `NAME as \`certferry status\` shows it; its kind may be left out. Nothing is
deleted in the account, and the IDs are printed. If the files are still there,
the next run uploads them once and the service answers with the ID that it has.
Older IDs that are still bound are not replaced then: docs/operating.md.`,
    load: () => import('../commands/forget.ts'),
  },
  {
    name: 'emulator',
    group: 'Tools',
    summary: 'run a local fake of the SSL API for experiments',
    operands: '[--port N] [--resources FILE] [--inject-faults SEED]',
    options: { ...PORT, ...globals('rate') },
    details: `Prints its URL in the first line, then one line per request. Ctrl-C ends it.
FILE describes CDN domains, load balancers and so on, whose certificates the
API replaces, and a TLS server on loopback shows. For example:
  {"resources": [{"type": "cdn", "domains": ["www.example.com"],
                  "certId": "first:www.example.com"}]}
All of it: docs/reference.md.`,
    load: () => import('../commands/emulator.ts'),
  },
]
