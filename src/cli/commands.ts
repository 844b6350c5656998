/** The commands, their options and what `--help` says of them. */
import type { Run } from '../config/commandLine.ts'
import {
  COMMON,
  DEADLINE,
  HOOK,
  INSTALL,
  METRICS,
  NOTIFY,
  type OptionTable,
  PACE,
  PORT,
  SETUP,
  SYNC,
} from './options.ts'

/** The package's program. In help the words that start the one that runs stand in its place. */
export const PACKAGED = '/usr/bin/certferry'

export interface Command {
  readonly name: string
  readonly summary: string
  /** What stands after the name in `--help`. */
  readonly operands: string
  readonly options: OptionTable
  /** Errors go to standard output too: certbot takes anything on standard error for an error of the hook. */
  readonly errorsToStdout: boolean
  readonly details: string
  readonly load: () => Promise<{ readonly run: Run }>
}

export const COMMANDS: readonly Command[] = [
  {
    name: 'sync',
    summary: 'one pass over every source: upload what changed',
    operands: '[OPTION]…',
    options: { ...SYNC, ...METRICS, ...COMMON },
    errorsToStdout: true,
    details: `Without a source, the usual places of all clients are taken where they exist.
A second run uploads nothing. Exit: 0 all well, 75 try again later, 65 bad
certificate data, 66 input missing, 74 state directory, 76 refused by the
service, 77 credentials or permission, 78 configuration, 64 usage.`,
    load: () => import('../commands/sync.ts'),
  },
  {
    name: 'hook',
    summary: 'one pass over the lineage an ACME client just renewed',
    operands: '[--chain FILE --key FILE --name NAME] [WORD…]',
    options: { ...HOOK, ...DEADLINE, ...METRICS, ...COMMON },
    errorsToStdout: true,
    details: `Finds the lineage in its words (dehydrated), else in RENEWED_LINEAGE (certbot),
CERT_FULLCHAIN_PATH and CERT_KEY_PATH (acme.sh), LEGO_HOOK_CERT_PATH and
LEGO_HOOK_CERT_KEY_PATH (lego; 4 without HOOK_), else in the options. Needs no
configuration. Words other than deploy_cert end at once with 0.
To be called beside the hooks that a client has (--install-cert replaces them):
  ${PACKAGED} install-hook acme.sh`,
    load: () => import('../commands/hook.ts'),
  },
  {
    name: 'setup',
    summary: 'from installed to running: asks at most four questions',
    operands: '[OPTION]…',
    options: { ...SETUP, ...COMMON },
    errorsToStdout: false,
    details: `Stores the API key in /etc/tencentcloud/credentials, mode 0600; it is no option:
name a file, or set TENCENTCLOUD_SECRET_ID and _KEY. Nothing is overwritten
without a copy beside it, and a second run changes nothing.`,
    load: () => import('../commands/setup.ts'),
  },
  {
    name: 'install-hook',
    summary: 'make an ACME client call the hook at every renewal',
    operands: 'certbot|acme.sh|dehydrated|lego|uacme [--remove]',
    options: { ...INSTALL, ...DEADLINE, ...COMMON },
    errorsToStdout: false,
    details: `Writes DIR/renewal-hooks/deploy/zz-certferry (certbot), DIR/deploy/certferry.sh
(acme.sh) or conf.d/zz-certferry.sh (dehydrated). DIR is the client's own
folder, found by its certificates, files and crontabs. The others have no place
for it, and what is to be done is said. --config, --state-dir, --endpoint,
--log-level, --rate and --deadline, where given, go into the hook.`,
    load: () => import('../commands/installHook.ts'),
  },
  {
    name: 'watch',
    summary: 'keep looking: upload every renewal as it happens',
    operands: '[OPTION]…',
    options: COMMON,
    errorsToStdout: true,
    details: `Watches the sources' folders, sweeps on a schedule, and tries again what failed.
SIGHUP reloads the configuration, SIGUSR1 sweeps now, SIGTERM finishes and ends.
Under systemd: see docs/systemd.md.`,
    load: () => import('../commands/watch.ts'),
  },
  {
    name: 'status',
    summary: 'what is on disk, what was uploaded, what is pending',
    operands: '[OPTION]…',
    options: COMMON,
    errorsToStdout: false,
    details: 'Reads only: nothing is sent and nothing is written.',
    load: () => import('../commands/status.ts'),
  },
  {
    name: 'inspect',
    summary: 'what is in these PEM files, and whether it would be uploaded',
    operands: 'FILE…',
    options: COMMON,
    errorsToStdout: false,
    details: `Give chain and key together to learn whether they fit:
  certferry inspect fullchain.pem privkey.pem
A private key is named by its kind only.`,
    load: () => import('../commands/inspect.ts'),
  },
  {
    name: 'check',
    summary: 'the doctor: examines everything, and says what mends it',
    operands: '[OPTION]…',
    options: COMMON,
    errorsToStdout: false,
    details: `Runtime, configuration, each source and file as this user, watches, state,
hooks, daemon; then the way to the service, link by link, with one harmless
request. Each line is ok, WARN, FAIL or - (not reached), with the command that
mends it. Nothing is stored, and no secret is shown. Exit: 0 where nothing
fails, warnings or not; else that of the most severe failure. Every message and
symptom: docs/troubleshooting.md.`,
    load: () => import('../commands/check.ts'),
  },
  {
    name: 'notify',
    summary: 'try the channels of [notify]',
    operands: '--test [OPTION]…',
    options: { ...NOTIFY, ...COMMON },
    errorsToStdout: false,
    details: `Sends a sample by the command and the webhook of [notify], each once, and says
what came of it. CERTFERRY_EVENT, and "event" in the JSON, is test. Exit: 0 all
sent, 75 one was not, 78 none is configured.`,
    load: () => import('../commands/notify.ts'),
  },
  {
    name: 'config',
    summary: 'the configuration in force, and where each value comes from',
    operands: 'print|check [OPTION]…',
    options: COMMON,
    errorsToStdout: false,
    details: `print  every value with its origin, as a configuration that means the same;
       a login of the proxy is masked
check  the file, CERTFERRY_* and options: nothing is wrong, or every mistake at
       once with its line, exit 78`,
    load: () => import('../commands/config.ts'),
  },
  {
    name: 'emulator',
    summary: 'a local SSL API to try everything against',
    operands: '[--port N] [--inject-faults SEED]',
    options: { ...PORT, ...PACE },
    errorsToStdout: false,
    details: 'Prints its URL as the first line and one line a request; ends with Ctrl-C.',
    load: () => import('../commands/emulator.ts'),
  },
  {
    name: 'demo',
    summary: 'the whole story in one minute, without an account',
    operands: '',
    options: {},
    errorsToStdout: false,
    details: 'Starts a local SSL API, makes certificates, renews and uploads them, cleans up.',
    load: () => import('../commands/demo.ts'),
  },
]
