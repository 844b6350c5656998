/** Everything that a pass needs, made from settings: what sync, hook, status and check have in common. */
import type { CommandLine } from './config/commandLine.ts'
import { type LoadedConfig, loadSettings } from './config/load.ts'
import type { Settings } from './config/settings.ts'
import { Fault, type FaultCode } from './errors.ts'
import {
  createPermissionWarnings,
  type InsecurePermissions,
  octal,
  type PermissionWarnings,
  permissionAdvice,
  permissionText,
} from './files/permissions.ts'
import type { OnSecret } from './files/readFile.ts'
import { createLogger, type LogEntry, type Logger } from './log/logger.ts'
import type { Metrics } from './metrics/registry.ts'
import { createNotifier, type Notifier } from './notify/notifier.ts'
import type { ProcessContext } from './processContext.ts'
import type { Receipt } from './receipts/receipt.ts'
import { openReceiptStore, ownReceipt, type ReceiptStore } from './receipts/store.ts'
import { stampsOf } from './sources/fileStamp.ts'
import type { Lineage } from './sources/lineage.ts'
import { readPair } from './sources/readPair.ts'
import { findCredentials, markOf } from './tencent/credentials.ts'
import { type LazyUploader, lazyUploader } from './upload/lazyUploader.ts'
import { logDamage, logEntry, outcomeLogger } from './upload/report.ts'
import type { SyncAllDeps } from './upload/syncAll.ts'
import type { Uploader } from './upload/uploader.ts'
import { inTurns } from './util/async.ts'
import { VERSION } from './version.ts'

const permissionEntry = (exposure: InsecurePermissions): LogEntry => ({
  level: 'warn',
  fields: {
    event: 'insecure_permissions',
    file: exposure.file,
    mode: octal(exposure.mode),
    advice: permissionAdvice(exposure),
  },
  message: permissionText(exposure),
})

interface SyncParts {
  readonly world: ProcessContext
  /** A name may be given to another place: the operator wants this one uploaded, whatever is recorded. */
  readonly force: boolean
  readonly log: Logger
  readonly receipts: ReceiptStore
  readonly carrier: LazyUploader
  readonly herald: Notifier
  readonly metrics: () => Metrics | undefined
  readonly onSecret: OnSecret
  /** Milliseconds, or at once when the work is to end. */
  readonly wait: (ms: number) => Promise<void>
}

function syncDependencies(parts: SyncParts): SyncAllDeps {
  const { world, receipts, carrier, herald, metrics, onSecret, wait } = parts
  const now = () => new Date(world.now())
  const tell = outcomeLogger(parts.log)
  const own = (lineage: Lineage, receipt: Receipt) => (parts.force ? receipt : ownReceipt(lineage, receipt))
  const recalled = (receipt: Receipt) => {
    metrics()?.recalled(receipt)
    herald.previousReceipt(receipt)
    return receipt
  }
  const ownTurn = inTurns()
  return {
    now,
    random: world.random,
    sleep: wait,
    glance: stampsOf,
    recallAll: async lineages => {
      const [only, ...others] = lineages
      const found = await (only && !others.length
        ? receipts.recall(only.id).then(receipt => [receipt])
        : receipts.all()
      ).catch(stopping(herald))
      const known = new Map(found.map(receipt => [receipt.lineage, receipt]))
      for (const { id } of lineages) {
        const receipt = known.get(id)
        if (receipt) recalled(receipt)
      }
      return known
    },
    prepare: () => receipts.prepare().catch(stopping(herald)),
    recall: async lineage => recalled(own(lineage, await receipts.recall(lineage.id))),
    read: async lineage => {
      const pair = await readPair(lineage, { now, wait, onSecret })
      await ownTurn()
      return pair
    },
    upload: async (bundle, lineage) => (await carrier.uploader()).upload(bundle, lineage),
    record: (lineage, amend) =>
      receipts.record(lineage.id, receipt => ({ ...amend(own(lineage, receipt)), path: lineage.chain })),
    report: outcome => {
      metrics()?.outcome(outcome)
      herald.outcome(outcome)
      tell(outcome)
    },
    abort: carrier.halt,
  }
}

/** No outcome tells of what stops the work before any certificate is looked at. */
const stopping = (herald: Notifier) => (error: unknown) => {
  if (error instanceof Fault) herald.stopped(error)
  throw error
}

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

interface AppOptions {
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
  const receipts = openReceiptStore(settings.stateDir, logDamage(log), now)
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
  const effects = syncDependencies({
    ...{ world, log, receipts, carrier, herald, metrics, onSecret, wait },
    force: line.force ?? false,
  })
  const { profile, instanceRole } = settings
  const credentialsMark = () =>
    import('./tencent/instanceRole.ts')
      .then(({ roleCredentials }) =>
        findCredentials({
          env,
          home,
          profile,
          role: () => roleCredentials(instanceRole),
          onSecret,
          now,
          wait,
        }),
      )
      .then(markOf, () => '')
  const close = async () => {
    await carrier.renew()
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
