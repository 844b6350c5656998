/** Tells people beside the log, where `[notify]` says whom; without it, nobody. */
import { hostname } from 'node:os'
import type { Settings } from '../config/settings.ts'
import { Fault, faultFields } from '../errors.ts'
import type { Logger } from '../log/logger.ts'
import type { ProcessContext } from '../processContext.ts'
import type { Receipt } from '../receipts/receipt.ts'
import type { Outcome } from '../upload/outcome.ts'
import { BATCH_WINDOW_MS } from '../util/schedule.ts'
import { channelsOf } from './channels.ts'
import { type Notification, notificationsFor, stopNotice } from './notification.ts'
import { createNotificationQueue } from './queue.ts'

export interface Notifier {
  /** What the receipt said before a look: an ID it already had is no news. */
  readonly previousReceipt: (receipt: Receipt) => void
  readonly outcome: (outcome: Outcome) => void
  /** Of what stops the work before any certificate is looked at. */
  readonly stopped: (fault: Fault) => void
  /** Resolves when what there was to tell has been told, or given up; never rejects. */
  readonly flush: () => Promise<void>
  /** Gives up what is on its way, and what is delivered from now on. */
  readonly abort: () => void
}

const NO_NOTIFIER: Notifier = {
  previousReceipt: () => {},
  outcome: () => {},
  stopped: () => {},
  flush: async () => {},
  abort: () => {},
}

/** What is not sent when `signal` is aborted is left for the next run. */
export function createNotifier(
  settings: Settings,
  world: ProcessContext,
  log: Logger,
  signal: AbortSignal,
): Notifier {
  const messengers = channelsOf(settings, world).map(({ send }) => send)
  if (!messengers.length) return NO_NOTIFIER
  const { now, sleep: wait } = world
  const over = new AbortController()
  const giveUp = () => over.abort(new Fault('NOTIFICATION_FAILED', 'no time was left; the next run tells it'))
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  const postman = createNotificationQueue({
    messengers,
    events: settings.notify.events,
    host: hostname(),
    dir: settings.stateDir,
    spare: world.env.RUNTIME_DIRECTORY?.split(':')[0] || undefined,
    now,
    wait,
    giveUp: over.signal,
    onUnsent: fault =>
      log.warn({ event: 'notification_failed', ...faultFields(fault) }, `nobody was told: ${fault.message}`),
    onForgotten: fault =>
      log.warn({ event: 'told', ...faultFields(fault) }, `it may be told again: ${fault.message}`),
  })
  const receipts = new Map<string, Receipt>()
  let gathering: NodeJS.Timeout | undefined
  const deliver = () => {
    clearTimeout(gathering)
    gathering = undefined
    return postman.deliver()
  }
  const add = (notices: readonly Notification[]) => {
    if (!notices.length) return
    postman.add(notices)
    // for a daemon; a command that ends delivers at its end
    gathering ??= setTimeout(() => void deliver(), BATCH_WINDOW_MS).unref()
  }
  return {
    previousReceipt: receipt => void receipts.set(receipt.lineage, receipt),
    outcome: outcome => {
      const notices = notificationsFor(outcome, receipts.get(outcome.lineage), now())
      receipts.delete(outcome.lineage)
      add(notices)
    },
    stopped: fault => add([stopNotice(fault)]),
    flush: deliver,
    abort: giveUp,
  }
}
