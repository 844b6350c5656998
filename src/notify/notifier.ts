/** The notifier: collects notifications from outcomes and sends them by the channels of `[notify]`. */
import { hostname } from 'node:os'
import type { Settings } from '../config/settings.ts'
import { Fault, faultFields } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { ProcessContext } from '../processContext.ts'
import { openState } from '../receipts/database.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type { Outcome } from '../upload/outcome.ts'
import { logDamage } from '../upload/report.ts'
import { BATCH_WINDOW_MS } from '../util/schedule.ts'
import { channelsOf } from './channels.ts'
import { type Notification, notificationsFor, pausedNotification } from './notification.ts'
import { createNotificationQueue } from './queue.ts'
import { replacementNotifications } from './replacementNotification.ts'

export interface Notifier {
  /** Whether there is a channel. */
  readonly isOn: boolean
  /** The receipt before a check: an ID it already has is no news. */
  readonly previousReceipt: (receipt: Receipt) => void
  readonly outcome: (outcome: Outcome) => void
  /** After a replacement came further: its receipt. */
  readonly replacement: (receipt: Receipt) => void
  /** Notifies of a fault that stops all uploads before any certificate is checked. */
  readonly stopped: (fault: Fault) => void
  /** Sends what was collected. Never rejects. */
  readonly flush: () => Promise<void>
  /** Stops sending, now and later; the next run sends what is left. */
  readonly abort: () => void
}

const NO_NOTIFIER: Notifier = {
  isOn: false,
  previousReceipt: () => {},
  outcome: () => {},
  replacement: () => {},
  stopped: () => {},
  flush: async () => {},
  abort: () => {},
}

export function createNotifier(
  settings: Settings,
  context: ProcessContext,
  log: Logger,
  signal: AbortSignal,
): Notifier {
  const channels = channelsOf(settings, context).map(({ send }) => send)
  if (!channels.length) return NO_NOTIFIER
  const { now, sleep, env } = context
  const database = (dir: string) => openState(dir, logDamage(log), () => new Date(now()))
  // systemd's: keeps what was sent until the service stops, if the state directory cannot be written
  const runtimeDirectory = env.RUNTIME_DIRECTORY?.split(':')[0]
  const aborted = new AbortController()
  const abort = () =>
    aborted.abort(new Fault('NOTIFICATION_FAILED', 'no time was left; the next run sends it'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const queue = createNotificationQueue({
    channels,
    events: settings.notifyEvents,
    host: hostname(),
    databases: [database(settings.stateDir), ...(runtimeDirectory ? [database(runtimeDirectory)] : [])],
    now,
    sleep,
    signal: aborted.signal,
    onUnsent: fault =>
      log.warn(
        { event: 'notification_failed', ...faultFields(fault) },
        `notification failed: ${fault.message}`,
      ),
    onNotRecorded: fault =>
      log.warn(
        { event: 'notification_not_recorded', ...faultFields(fault) },
        `a notification may be sent again: ${fault.message}`,
      ),
  })
  const receipts = new Map<string, Receipt>()
  /** Keys of replacements: each is recorded many times on its way. */
  const told = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    return queue.deliver()
  }
  const add = (notifications: readonly Notification[]) => {
    if (!notifications.length) return
    queue.add(notifications)
    // for the daemon; a command flushes at its end
    timer ??= setTimeout(() => void flush(), BATCH_WINDOW_MS).unref()
  }
  return {
    isOn: true,
    previousReceipt: receipt => void receipts.set(receipt.lineage, receipt),
    outcome: outcome => {
      const receipt = receipts.get(outcome.lineage)
      receipts.delete(outcome.lineage)
      add(notificationsFor(outcome, receipt, now()))
    },
    replacement: receipt => {
      const news = replacementNotifications(receipt).filter(({ key }) => !told.has(key))
      for (const { key } of news) told.add(key)
      add(news)
    },
    stopped: fault => add([pausedNotification(fault)]),
    flush,
    abort,
  }
}
