/** Collects what is to be told, and tells it: few letters, each tried again, none twice. */
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
import type { Send } from './channels.ts'
import { type Message, messagesFor } from './message.ts'
import type { Notification } from './notification.ts'

/** When each key was last told, in ISO 8601. */
type SentLog = Readonly<Record<string, string>>

/** Kept for longer than any certificate lives. In milliseconds. */
const MAX_SENT_REMEMBERED = 400 * 86_400_000

/** The notices that are still to be told, of each key the first. */
export function notYetSent(
  notices: readonly Notification[],
  told: SentLog,
  now: number,
): readonly Notification[] {
  const fresh = notices.filter(({ key, again }) => {
    const before = Object.hasOwn(told, key) ? Date.parse(told[key] ?? '') : Number.NaN
    // a clock that was set back must not keep somebody from hearing
    return Number.isNaN(before) || before > now || now - before >= again
  })
  const seen = new Set<string>()
  return fresh.filter(({ key }) => !seen.has(key) && seen.add(key))
}

/** What is older is no news any more. In milliseconds. */
const KEPT = 7 * 86_400_000

const MOST = 1_000

type Unsent = Notification & { readonly since?: string }

/** As rows: of each the time since when it is news, and at most a thousand. */
export const unsentRows = (notices: readonly Unsent[], now: number): ReadonlyArray<Omit<UnsentRow, 'id'>> =>
  notices.slice(0, MOST).map(notice => {
    const since = notice.since ?? new Date(now).toISOString()
    return { since, notification: JSON.stringify({ ...notice, since }) }
  })

/** The notifications in these rows that are whole and still news. */
export const unsentIn = (rows: ReadonlyArray<Omit<UnsentRow, 'id'>>, now: number): readonly Unsent[] =>
  rows
    .map(({ notification }) => parsed(notification))
    .filter(isUnsent)
    .filter(({ since = '' }) => now - Date.parse(since) < KEPT)

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text)
    // JSON has no infinity
    return { ...value, again: value?.again ?? Number.POSITIVE_INFINITY }
  } catch {
    return {}
  }
}

const TEXTS = ['lineage', 'key', 'since'] as const

const TEXTS_OR_NULL = ['certificateId', 'supersedes', 'notAfter', 'reason', 'advice'] as const

const isUnsent = (
  one: Readonly<Record<string, unknown>>,
): one is Readonly<Record<string, unknown>> & Unsent =>
  NOTIFY_EVENTS.some(event => event === one.event) &&
  TEXTS.every(name => typeof one[name] === 'string') &&
  TEXTS_OR_NULL.every(name => one[name] === null || typeof one[name] === 'string') &&
  Array.isArray(one.names) &&
  one.names.every(name => typeof name === 'string') &&
  typeof one.again === 'number'

interface NotificationQueueOptions {
  readonly messengers: readonly Send[]
  readonly events: readonly NotifyEvent[]
  readonly host: string
  /** Where what has been told is remembered: the first that can be written. */
  readonly places: readonly StateDatabase[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** Aborted, with a fault as its reason, when what is still on its way is to be given up. */
  readonly giveUp: AbortSignal
  /** A letter that did not arrive; it is kept, and tried again with the next ones, by this process or another. */
  readonly onUnsent: (fault: Fault) => void
  /** A letter that has arrived, which only this process remembers. */
  readonly onForgotten: (fault: Fault) => void
}

interface NotificationQueue {
  readonly add: (notices: readonly Notification[]) => void
  /** Sends what has come together. Never rejects: that somebody could not be told must not spoil the work. */
  readonly deliver: () => Promise<void>
}

export function createNotificationQueue(options: NotificationQueueOptions): NotificationQueue {
  const { messengers, events, host, places, now, wait, giveUp, onUnsent, onForgotten } = options
  let bag: readonly Notification[] = []
  /** What has been told and could be written down nowhere. */
  let kept: SentLog = {}
  let under = Promise.resolve()

  const arrived = async (letter: Message, messenger: Send): Promise<boolean> => {
    for (const pause of [...SEND_RETRY_DELAYS_MS, undefined]) {
      const fault = await messenger(letter, giveUp).then(() => undefined, faultOf)
      if (!fault) return true
      if (pause !== undefined && (await wait(pause, giveUp).then(always, never))) continue
      onUnsent(fault)
      return false
    }
    return false
  }
  const deliver = async () => {
    const told: SentLog = Object.assign({}, ...places.map(place => readFrom(place, selectSent)), kept)
    const rows = places[0] ? (readFrom(places[0], selectUnsent) ?? []) : []
    const left = unsentIn(rows, now())
    const waiting = notYetSent([...bag, ...left], told, now())
    const unsent: Notification[] = []
    bag = []
    for (const letter of messagesFor(waiting, host)) {
      const arrivals = await Promise.all(messengers.map(messenger => arrived(letter, messenger)))
      // told where anybody has heard it: the other way's failure is in the log, and twice is worse
      if (arrivals.some(Boolean)) remember(letter)
      else unsent.push(...letter.notifications)
    }
    if (!rows.length && !unsent.length) return
    try {
      places[0]?.write(db => {
        deleteUnsent(
          db,
          rows.map(({ id }) => id),
        )
        insertUnsent(db, unsentRows(unsent, now()))
      })
    } catch (error) {
      // the log has said that it was not sent
      if (!(error instanceof Fault)) throw error
    }
  }
  const remember = ({ notifications: notices }: Message) => {
    const at = new Date(now()).toISOString()
    const entries = notices.map(({ key }) => [key, at] as const)
    const problem = writeToFirst(places, db => {
      insertSent(db, entries)
      deleteSentBefore(db, new Date(now() - MAX_SENT_REMEMBERED).toISOString())
    })
    if (!problem) return
    kept = { ...kept, ...Object.fromEntries(entries) }
    onForgotten(problem)
  }
  return {
    add: notices => {
      bag = [...bag, ...notices.filter(({ event }) => events.includes(event))]
    },
    deliver: () => {
      under = under.then(deliver).catch(error => {
        onUnsent(faultOf(error))
      })
      return under
    },
  }
}

const always = () => true

const never = () => false

const faultOf = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault('NOTIFICATION_FAILED', `unexpected: ${nameOf(error)}`)

const nameOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).name

function readFrom<T>(place: StateDatabase, select: (db: DatabaseSync) => T): T | undefined {
  try {
    return place.read(select)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/** The fault of the first where none can be written. */
function writeToFirst(places: readonly StateDatabase[], work: (db: DatabaseSync) => void): Fault | undefined {
  let first: Fault | undefined
  for (const place of places) {
    try {
      place.write(work)
      return undefined
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      first ??= error
    }
  }
  return first
}
