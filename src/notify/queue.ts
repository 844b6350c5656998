/** Collects what is to be told, and tells it: few letters, each tried again, none twice. */
import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { NOTIFY_EVENTS, type NotifyEvent } from '../config/values.ts'
import { Fault } from '../errors.ts'
import { temporaryName, writeFileAtomic } from '../files/atomicWrite.ts'
import { insideState } from '../files/heldFolder.ts'
import { contentOf } from '../receipts/store.ts'
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

/** What is remembered after these have been told. */
export const markSent = (told: SentLog, notices: readonly Notification[], now: number): SentLog =>
  Object.fromEntries([
    ...Object.entries(told).filter(([, at]) => now - Date.parse(at) < MAX_SENT_REMEMBERED),
    ...notices.map(({ key }) => [key, new Date(now).toISOString()]),
  ])

/** The record in a file's text; an empty one where there is none, or it is damaged: then something is told again. */
export function parseSentLog(text: string | undefined): SentLog {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
    return Object.fromEntries(
      Object.entries(value).filter(([, at]) => typeof at === 'string' && !Number.isNaN(Date.parse(at))),
    )
  } catch {
    return {}
  }
}

export const serializeSentLog = (told: SentLog): string => `${JSON.stringify(told, null, 2)}\n`

/** What is older is no news any more. In milliseconds. */
const KEPT = 7 * 86_400_000

const MOST = 1_000

export const writeUnsent = (notices: readonly Notification[], now: number): string => {
  const kept = notices.slice(0, MOST).map(notice => ({ since: new Date(now).toISOString(), ...notice }))
  return `${JSON.stringify(kept, null, 2)}\n`
}

type Unsent = Notification & { readonly since?: string }

/** The notices in a file's text; none where there is no file, or it is damaged. */
export function readUnsent(text: string | undefined, now: number): readonly Unsent[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]')
    if (!Array.isArray(value)) return []
    // JSON has no infinity
    const all = value.map(one => ({ ...one, again: one?.again ?? Number.POSITIVE_INFINITY }))
    return all.filter(isUnsent).filter(({ since = '' }) => now - Date.parse(since) < KEPT)
  } catch {
    return []
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
  /** Where what has been told is remembered, beside the receipts. */
  readonly dir: string
  /** Where it is remembered as long as that cannot be written. */
  readonly spare?: string | undefined
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

const TOLD = 'notices.json'

const UNSENT = 'unsent.json'

export function createNotificationQueue(options: NotificationQueueOptions): NotificationQueue {
  const { messengers, events, host, dir, spare, now, wait, giveUp, onUnsent, onForgotten } = options
  const places = spare === undefined ? [dir] : [dir, spare]
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
    const told = Object.assign({}, ...places.map(place => parseSentLog(read(place, TOLD))), kept)
    const left = readUnsent(read(dir, UNSENT), now())
    const waiting = notYetSent([...bag, ...left], told, now())
    const unsent: Notification[] = []
    bag = []
    for (const letter of messagesFor(waiting, host)) {
      const arrivals = await Promise.all(messengers.map(messenger => arrived(letter, messenger)))
      // told where anybody has heard it: the other way's failure is in the log, and twice is worse
      if (arrivals.some(Boolean)) await remember(letter)
      else unsent.push(...letter.notifications)
    }
    // where it cannot be kept, the log has said that it was not sent
    if (left.length || unsent.length)
      await rewrite(dir, UNSENT, () => writeUnsent(unsent, now())).catch(never)
  }
  const remember = async ({ notifications: notices }: Message) => {
    const amend = (told: SentLog) => markSent(told, notices, now())
    for (const place of places) {
      const written = rewrite(place, TOLD, text => serializeSentLog(amend(parseSentLog(text))))
      const error = await written.then(() => undefined, nameOf)
      if (!error) return
      if (place !== places.at(-1)) continue
      kept = amend(kept)
      onForgotten(new Fault('STATE_DIR_UNUSABLE', `${join(dir, TOLD)} cannot be written (${error})`))
    }
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

function read(dir: string, file: string): string | undefined {
  try {
    return insideState(dir, held => contentOf(join(held, file)))
  } catch {
    return undefined
  }
}

const rewrite = async (
  dir: string,
  file: string,
  amended: (text: string | undefined) => string,
): Promise<void> =>
  insideState(dir, async held => {
    const draft = join(held, temporaryName(file, randomBytes(6).toString('hex')))
    try {
      await writeFileAtomic(draft, amended(read(dir, file)), held)
      renameSync(draft, join(held, file))
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  })
