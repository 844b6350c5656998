/** Puts the parts of a run together from the settings: for sync, hook, watch, status and check. */
import type { CommandLine } from './config/commandLine.ts'
import { type LoadedConfig, loadSettings } from './config/load.ts'
import type { Settings } from './config/settings.ts'
import type { Replacer } from './deploy/replacer.ts'
import { Fault, type FaultCode } from './errors.ts'
import {
  createPermissionWarnings,
  octal,
  type PermissionWarnings,
  permissionAdvice,
  permissionText,
} from './files/permissions.ts'
import type { OnSecret } from './files/readFile.ts'
import { createLogger, type Logger } from './log/logger.ts'
import type { Metrics } from './metrics/registry.ts'
import { createNotifier, type Notifier } from './notify/notifier.ts'
import type { ProcessContext } from './processContext.ts'
import type { Receipt, Standing } from './receipts/receipt.ts'
import { openReceiptStore, ownReceipt, type ReceiptStore } from './receipts/store.ts'
import { stampsOf } from './sources/fileStamp.ts'
import type { Lineage } from './sources/lineage.ts'
import { readPair } from './sources/readPair.ts'
import { findCredentials, markOf } from './tencent/credentials.ts'
import { type LazyUploader, lazyUploader } from './upload/lazyUploader.ts'
import { logDamage, outcomeLogger } from './upload/report.ts'
import type { SyncAllDeps } from './upload/syncAll.ts'
import type { Uploader } from './upload/uploader.ts'
import { inTurns } from './util/async.ts'
import { VERSION } from './version.ts'

export interface App {
  readonly settings: Settings
  readonly configFile: string | undefined
  readonly log: Logger
  readonly receipts: ReceiptStore
  readonly effects: SyncAllDeps
  readonly notifier: Notifier
  /** Warnings about the files that secrets are read from. */
  readonly permissionWarnings: PermissionWarnings
  readonly uploader: () => Promise<Uploader>
  /** Puts certificates in place of older ones; its code is loaded with the first call. */
  readonly replacer: (use?: ReplacerUse) => Promise<Replacer>
  /** Differs for another set of credentials; empty if there are none. Never rejects. */
  readonly credentialsMark: () => Promise<string>
  /** Closes the uploader; the next upload opens another, with credentials read anew. */
  readonly renewUploader: () => Promise<void>
  /** Ends what keeps the process alive. */
  readonly close: () => Promise<void>
}

export interface ReplacerUse {
  /** Ends replacements before anything else ends. */
  readonly ending?: AbortSignal
  /** Sends each of their requests. */
  readonly request?: <T>(send: () => Promise<T>) => Promise<T>
}

interface AppOptions {
  readonly context: ProcessContext
  readonly line: CommandLine
  /** Ends all work. */
  readonly signal: AbortSignal
  readonly metrics?: () => Metrics | undefined
}

/** @throws Fault of the configuration. */
export async function openApp(
  context: ProcessContext,
  line: CommandLine,
  signal: AbortSignal,
  metrics: () => Metrics | undefined = () => undefined,
): Promise<App> {
  return createApp(await loadSettings(context, line), { context, line, signal, metrics })
}

/** With settings that are known to be valid. */
export function createApp({ settings, configFile }: LoadedConfig, options: AppOptions): App {
  const { context, line, signal, metrics = () => undefined } = options
  const { env, home } = context
  const { profile, instanceRole } = settings
  const now = () => new Date(context.now())
  const log = openLog(settings, context, line)
  const notifier = createNotifier(settings, context, log, signal)
  const receipts = openReceiptStore(settings.stateDir, logDamage(log), now)
  const permissionWarnings = createPermissionWarnings()
  const onSecret = permissionWarnings.record
  const lazy = lazyUploader({
    settings,
    env,
    home,
    version: VERSION,
    log,
    now: context.now,
    clock: { now: context.monotonicNow, wait: context.sleep, random: context.random },
    signal,
    logged: new Set<FaultCode>(),
    onThrottled: () => metrics()?.throttled(),
    onSecret,
  })
  // the deadline ends a pause early; what follows meets the deadline itself
  const wait = (ms: number) => context.sleep(ms, signal).catch(() => undefined)
  const force = line.force ?? false
  const effects = syncDependencies({
    ...{ context, force, log, receipts, lazy, notifier, metrics, onSecret, wait },
    // else nobody is told of what is unchanged
    tellsAll: () => line.json || log.debugs !== false || notifier.isOn || metrics() !== undefined,
  })
  let replacer: Promise<Replacer> | undefined
  const openReplacer = async ({ ending = signal, request = send => send() }: ReplacerUse) => {
    const { createReplacer } = await import('./deploy/replacer.ts')
    return createReplacer({
      endpoint: settings.endpoint.hostname,
      ...{ log, receipts, uploader: lazy.uploader, request },
      // what a check knows of the receipt before it, and shows, is not changed by a replacement beside it
      recall: async lineage => {
        const receipt = await receipts.recall(lineage.id)
        return force ? receipt : ownReceipt(lineage, receipt)
      },
      record: async (lineage, amend) => {
        let after: Receipt | undefined
        await effects.record(lineage, receipt => {
          after = amend(receipt)
          return after
        })
        if (after) metrics()?.replacement(lineage.id, after)
        if (after) notifier.replacement(after)
      },
      signal: AbortSignal.any([signal, ending]),
      readBundle: async lineage => {
        const { parseBundle } = await import('./certificate/bundle.ts')
        return parseBundle((await effects.read(lineage)).files, now())
      },
      ...{
        now: context.now,
        monotonicNow: context.monotonicNow,
        random: context.random,
        sleep: context.sleep,
      },
      onChange: () => {},
    })
  }
  return {
    settings,
    configFile,
    log,
    receipts,
    effects,
    notifier,
    permissionWarnings,
    uploader: lazy.uploader,
    replacer: (use = {}) => {
      const opening = replacer ?? openReplacer(use)
      replacer = opening
      // the next one tries again: no file could be opened
      opening.catch(() => {
        if (replacer === opening) replacer = undefined
      })
      return opening
    },
    credentialsMark: async () => {
      try {
        const { roleCredentials } = await import('./tencent/instanceRole.ts')
        const role = () => roleCredentials(instanceRole)
        return markOf(await findCredentials({ env, home, profile, role, onSecret, now, wait }))
      } catch {
        return ''
      }
    },
    renewUploader: lazy.renew,
    close: async () => {
      await lazy.renew()
      await notifier.flush()
    },
  }
}

/** With --json standard output is for the one object; who reads it by a program gets the log as JSON too. */
function openLog({ logLevel, logFormat }: Settings, context: ProcessContext, line: CommandLine): Logger {
  const output = line.json ? context.stderr : context.stdout
  const isVerbose = ['trace', 'debug', 'info'].includes(logLevel)
  return createLogger({
    level: line.quiet && isVerbose ? 'warn' : logLevel,
    format: line.json && !output.isTerminal ? 'json' : logFormat,
    output,
    now: context.now,
  })
}

interface SyncParts extends Pick<App, 'log' | 'receipts' | 'notifier'> {
  readonly context: ProcessContext
  /** The operator wants the certificate uploaded, even if its name is recorded for another place. */
  readonly force: boolean
  readonly lazy: LazyUploader
  readonly metrics: () => Metrics | undefined
  /** Whether what is known of an unchanged certificate is written somewhere. */
  readonly tellsAll: () => boolean
  readonly onSecret: OnSecret
  /** Milliseconds, or at once when the work is to end. */
  readonly wait: (ms: number) => Promise<void>
}

function syncDependencies(parts: SyncParts): SyncAllDeps {
  const { context, force, log, receipts, lazy, notifier, metrics, tellsAll, onSecret, wait } = parts
  const now = () => new Date(context.now())
  const logOutcome = outcomeLogger(log)
  const ownTurn = inTurns()
  const own = (lineage: Lineage, receipt: Receipt) => (force ? receipt : ownReceipt(lineage, receipt))
  const recalled = (receipt: Receipt, { id, deploy }: Lineage) => {
    metrics()?.recalled(receipt)
    metrics()?.replacement(id, deploy.replace ? receipt : undefined)
    notifier.previousReceipt(receipt)
    return receipt
  }
  // no outcome reports what stops the work before any certificate is checked
  const notifyStopped = (error: unknown) => {
    if (error instanceof Fault) notifier.stopped(error)
    throw error
  }
  return {
    now,
    random: context.random,
    sleep: wait,
    stamps: stampsOf,
    recallAll: async lineages => {
      const [only, ...others] = lineages
      const isOne = only !== undefined && !others.length
      if (!isOne && !tellsAll()) return receipts.standings().catch(notifyStopped)
      const all = isOne ? receipts.recall(only.id).then(receipt => [receipt]) : receipts.all()
      const found = new Map((await all.catch(notifyStopped)).map(receipt => [receipt.lineage, receipt]))
      const standings = new Map<string, Standing>()
      for (const lineage of lineages) {
        const receipt = found.get(lineage.id)
        if (receipt?.uploaded) standings.set(lineage.id, receipt.uploaded)
        if (receipt) recalled(receipt, lineage)
      }
      return standings
    },
    prepare: () => receipts.prepare().catch(notifyStopped),
    recall: async lineage => recalled(own(lineage, await receipts.recall(lineage.id)), lineage),
    read: async lineage => {
      const pair = await readPair(lineage, { now, wait, onSecret })
      await ownTurn()
      return pair
    },
    upload: async (bundle, lineage) => (await lazy.uploader()).upload(bundle, lineage),
    record: (lineage, amend) =>
      receipts.record(lineage.id, receipt => ({ ...amend(own(lineage, receipt)), path: lineage.chain })),
    report: outcome => {
      metrics()?.outcome(outcome)
      notifier.outcome(outcome)
      logOutcome(outcome)
    },
    abort: lazy.halt,
  }
}

/** Ends all work at SIGINT, SIGTERM and the deadline. Its reason is the fault to report. */
export function shutdownSignal({ shutdown }: ProcessContext, deadline?: AbortSignal): AbortSignal {
  const end = new AbortController()
  const interrupt = () => end.abort(new Fault('INTERRUPTED', `interrupted (${shutdown.reason})`))
  if (shutdown.aborted) interrupt()
  shutdown.addEventListener('abort', interrupt, { once: true })
  return AbortSignal.any(deadline ? [end.signal, deadline] : [end.signal])
}

/** Logs each secret file that others may read as it is read. */
export const logInsecurePermissions = ({ permissionWarnings, log }: App): void =>
  permissionWarnings.onWarning(found =>
    log.warn(
      {
        event: 'insecure_permissions',
        file: found.file,
        mode: octal(found.mode),
        advice: permissionAdvice(found),
      },
      permissionText(found),
    ),
  )
