/** Everything that a pass needs, made from settings: what sync, hook, status and check have in common. */
import { permissionEntry } from '../core/exposure.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Settings } from '../core/settings.ts'
import { findCredentials, markOf } from '../edge/credentials.ts'
import { createPermissionWarnings, type PermissionWarnings } from '../edge/exposure.ts'
import { createLogger, type Logger } from '../edge/log.ts'
import type { Metrics } from '../edge/metrics.ts'
import { openReceiptStore, type ReceiptStore } from '../edge/receipts.ts'
import type { Uploader } from '../edge/uploader.ts'
import type { SyncAllDeps } from '../pass.ts'
import { VERSION } from '../version.ts'
import type { ProcessContext } from '../world.ts'
import { lazyUploader } from './carrier.ts'
import type { CommandLine } from './commandLine.ts'
import { syncDependencies } from './effects.ts'
import { logEntry } from './entries.ts'
import { createNotifier, type Notifier } from './herald.ts'
import { type LoadedConfig, loadSettings } from './settings.ts'
import { logCorruptReceipt } from './teller.ts'

export interface App {
  readonly settings: Settings
  readonly configFile: string | undefined
  readonly log: Logger
  readonly receipts: ReceiptStore
  readonly effects: SyncAllDeps
  readonly herald: Notifier
  /** Of the files that secrets are read from. */
  readonly exposures: PermissionWarnings
  readonly uploader: () => Promise<Uploader>
  /** Tells one set of credentials from another; empty where there are none. Never rejects. */
  readonly credentialsMark: () => Promise<string>
  /** Closes the uploader; the next upload opens another, with credentials read anew. */
  readonly renewUploader: () => Promise<void>
  /** Ends what keeps the process alive. */
  readonly close: () => Promise<void>
}

/** @throws Fault of the configuration. */
export async function openApp(
  world: ProcessContext,
  line: CommandLine,
  signal: AbortSignal,
  metrics: () => Metrics | undefined = () => undefined,
): Promise<App> {
  return createApp(await loadSettings(world, line), { world, line, signal, metrics })
}

export interface AppOptions {
  readonly world: ProcessContext
  readonly line: CommandLine
  readonly signal: AbortSignal
  readonly metrics?: () => Metrics | undefined
}

/** With settings that are known to be good. */
export function createApp(
  { settings, configFile }: LoadedConfig,
  { world, line, signal, metrics = () => undefined }: AppOptions,
): App {
  const { env, home } = world
  const output = line.json ? world.stderr : world.stdout
  const log = createLogger({ level: settings.logLevel, output, now: world.now })
  const now = () => new Date(world.now())
  const herald = createNotifier(settings, world, log, signal)
  const receipts = openReceiptStore(settings.stateDir, logCorruptReceipt(log), now)
  const exposures = createPermissionWarnings()
  const onSecret = exposures.record
  const carrier = lazyUploader({
    settings,
    env,
    home,
    version: VERSION,
    log,
    now: world.now,
    passing: { now: world.monotonicNow, wait: world.sleep, dice: world.random },
    signal,
    told: new Set<FaultCode>(),
    onThrottled: () => metrics()?.throttled(),
    onSecret,
  })
  // cut short by the deadline, a pause is over: what follows meets the deadline itself
  const wait = (ms: number) => world.sleep(ms, signal).catch(() => undefined)
  let closed: Promise<void> | undefined
  const alone = () => {
    closed ??= world.closeDebugger()
    return closed
  }
  const effects = syncDependencies({
    ...{ world, log, receipts, carrier, herald, metrics, onSecret, alone, wait },
    stateDir: settings.stateDir,
    force: line.force ?? false,
  })
  const { profile, role } = settings
  const credentialsMark = () =>
    import('../edge/role.ts')
      .then(({ roleCredentials }) =>
        findCredentials({ env, home, profile, role: () => roleCredentials(role), onSecret, now, wait }),
      )
      .then(markOf, () => '')
  const close = async () => {
    await carrier.renew()
    if (settings.notify.webhookFile !== undefined) await alone()
    await herald.flush()
  }
  return {
    settings,
    configFile,
    log,
    receipts,
    effects,
    herald,
    exposures,
    uploader: carrier.uploader,
    credentialsMark,
    renewUploader: carrier.renew,
    close,
  }
}

/** The signal that ends all work: the operator's, or the deadline's. Its reason is the fault to report. */
export function shutdownSignal({ shutdown: ending }: ProcessContext, late?: AbortSignal): AbortSignal {
  const end = new AbortController()
  const interrupt = () => end.abort(new Fault('INTERRUPTED', `interrupted (${ending.reason})`))
  if (ending.aborted) interrupt()
  ending.addEventListener('abort', interrupt, { once: true })
  return AbortSignal.any([end.signal, ...(late ? [late] : [])])
}

/** Warns of secrets that others may read, as they are come upon. */
export const logInsecurePermissions = ({ exposures, log }: App): void =>
  exposures.onWarning(exposure => logEntry(log, permissionEntry(exposure)))
