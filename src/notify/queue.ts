/** Sends notifications: one message for each event, three attempts each, recorded so that none is sent twice. */
import type { DatabaseSync } from 'node:sqlite'
import { NOTIFY_EVENTS, type NotifyEvent } from '../config/values.ts'
import { Fault } from '../errors.ts'
import type { StateDatabase } from '../receipts/database.ts'
import {
  deleteSentBefore,
  deleteUnsent,
  insertSent,
  insertUnsent,
  selectSent,
  selectUnsent,
  type UnsentRow,
} from '../receipts/rows.ts'
import { SEND_RETRY_DELAYS_MS } from '../util/schedule.ts'
import { type Message, messagesFor } from './message.ts'
import type { Notification } from './notification.ts'
import type { Send } from './program.ts'

/** When each key was last sent, in ISO 8601. */
type SentLog = Readonly<Record<string, string>>

/** Longer than any certificate is valid. In milliseconds. */
const SENT_KEPT_MS = 400 * 86_400_000

/** Those that are still to be sent, the first of each key. */
export function notYetSent(
  notifications: readonly Notification[],
  sent: SentLog,
  now: number,
): readonly Notification[] {
  const due = new Map<string, Notification>()
  for (const notification of notifications) {
    const { key, again } = notification
    const sentAt = Date.parse(sent[key] ?? '')
    // a time in the future says that the clock was set back, and prevents nothing
    const isSent = sentAt <= now && (again === null || now - sentAt < again)
    if (!isSent && !due.has(key)) due.set(key, notification)
  }
  return [...due.values()]
}

/** An unsent notification that is older is not sent any more. In milliseconds. */
const UNSENT_KEPT_MS = 7 * 86_400_000

const MAX_UNSENT = 1_000

type Unsent = Notification & { readonly since?: string }

export const unsentRows = (
  notifications: readonly Unsent[],
  now: number,
): ReadonlyArray<Omit<UnsentRow, 'id'>> =>
  notifications.slice(0, MAX_UNSENT).map(notification => {
    const since = notification.since ?? new Date(now).toISOString()
    return { since, notification: JSON.stringify({ ...notification, since }) }
  })

/** The notifications in these rows that are readable and recent. */
export const unsentIn = (rows: ReadonlyArray<Omit<UnsentRow, 'id'>>, now: number): readonly Unsent[] =>
  rows
    .map(({ notification }) => parsed(notification))
    .filter(isUnsent)
    .filter(({ since = '' }) => now - Date.parse(since) < UNSENT_KEPT_MS)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isUnsent(value: unknown): value is Unsent {
  const { event, lineage, key, since } = (value ?? {}) as Partial<Unsent>
  return (
    NOTIFY_EVENTS.some(known => known === event) &&
    [lineage, key, since].every(text => typeof text === 'string')
  )
}

interface NotificationQueueOptions {
  readonly channels: readonly Send[]
  readonly events: readonly NotifyEvent[]
  readonly host: string
  /** What was sent is recorded in the first that can be written; what was not, in the first. */
  readonly databases: readonly [StateDatabase, ...StateDatabase[]]
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Aborted, with a fault as its reason, when messages are no longer to be sent. */
  readonly signal: AbortSignal
  /** A message was not sent; it is kept, and sent with the next ones, by this process or another. */
  readonly onUnsent: (fault: Fault) => void
  /** A message was sent, and only this process knows it. */
  readonly onNotRecorded: (fault: Fault) => void
}

interface NotificationQueue {
  readonly add: (notifications: readonly Notification[]) => void
  /** Sends what was added. Never rejects: a failed notification must not stop the work. */
  readonly deliver: () => Promise<void>
}

export function createNotificationQueue(options: NotificationQueueOptions): NotificationQueue {
  const { channels, events, host, databases, now, sleep, signal, onUnsent, onNotRecorded } = options
  const [state] = databases
  let added: Notification[] = []
  /** What was sent and could not be recorded. */
  let unrecorded: SentLog = {}
  let delivering = Promise.resolve()

  const sendWithRetry = async (message: Message, send: Send): Promise<boolean> => {
    for (let attempt = 0; ; attempt++) {
      const fault = await send(message, signal).then(() => undefined, faultOf)
      if (!fault) return true
      const delay = SEND_RETRY_DELAYS_MS[attempt]
      const isRetried =
        delay !== undefined &&
        (await sleep(delay, signal).then(
          () => true,
          () => false,
        ))
      if (isRetried) continue
      onUnsent(fault)
      return false
    }
  }

  const recordSent = ({ notifications }: Message) => {
    const at = new Date(now()).toISOString()
    const entries = notifications.map(({ key }) => [key, at] as const)
    const faults: Fault[] = []
    for (const database of databases) {
      const fault = resultOrFault(() =>
        database.write(db => {
          insertSent(db, entries)
          deleteSentBefore(db, new Date(now() - SENT_KEPT_MS).toISOString())
        }),
      )
      if (!fault) return
      faults.push(fault)
    }
    unrecorded = { ...unrecorded, ...Object.fromEntries(entries) }
    if (faults[0]) onNotRecorded(faults[0])
  }

  const deliver = async () => {
    const rows = readFrom(state, selectUnsent) ?? []
    const sent = Object.assign({}, ...databases.map(one => readFrom(one, selectSent)), unrecorded)
    const due = notYetSent([...added, ...unsentIn(rows, now())], sent, now())
    const unsent: Notification[] = []
    added = []
    for (const message of messagesFor(due, host)) {
      const results = await Promise.all(channels.map(send => sendWithRetry(message, send)))
      // one channel is enough: the failure of the other is logged, and to send it twice is worse
      if (results.includes(true)) recordSent(message)
      else unsent.push(...message.notifications)
    }
    if (!rows.length && !unsent.length) return
    const ids = rows.map(({ id }) => id)
    // a fault is ignored: the log has that they were not sent
    resultOrFault(() =>
      state.write(db => {
        deleteUnsent(db, ids)
        insertUnsent(db, unsentRows(unsent, now()))
      }),
    )
  }

  return {
    add: notifications => {
      added.push(...notifications.filter(({ event }) => events.includes(event)))
    },
    deliver: () => {
      delivering = delivering.then(deliver).catch(error => onUnsent(faultOf(error)))
      return delivering
    },
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  const { code, name } = error as NodeJS.ErrnoException
  return new Fault('NOTIFICATION_FAILED', `unexpected: ${code ?? name}`)
}

function readFrom<T>(database: StateDatabase, select: (db: DatabaseSync) => T): T | undefined {
  const result = resultOrFault(() => database.read(select))
  return result instanceof Fault ? undefined : result
}

function resultOrFault<T>(work: () => T): T | Fault {
  try {
    return work()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}
