/** Collects what is to be told, and tells it: few letters, each tried again, none twice. */
import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { NotifyEvent } from '../core/event.ts'
import { Fault } from '../core/fault.ts'
import { type Message, messagesFor } from '../core/letter.ts'
import type { Notification } from '../core/notice.ts'
import { markSent, notYetSent, parseSentLog, type SentLog, serializeSentLog } from '../core/told.ts'
import { readUnsent, writeUnsent } from '../core/unsent.ts'
import { insideState } from './heldFolder.ts'
import type { Send } from './messenger.ts'
import { contentOf } from './stateFile.ts'
import { temporaryName, writeFileAtomic } from './wholeFile.ts'

export interface NotificationQueueOptions {
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

export interface NotificationQueue {
  readonly add: (notices: readonly Notification[]) => void
  /** Sends what has come together. Never rejects: that somebody could not be told must not spoil the work. */
  readonly deliver: () => Promise<void>
}

const TOLD = 'notices.json'
const UNSENT = 'unsent.json'
/** Pauses between three tries at one letter, in milliseconds. */
const SEND_RETRY_DELAYS_MS = [1_000, 5_000] as const

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
      else unsent.push(...letter.notices)
    }
    // where it cannot be kept, the log has said that it was not sent
    if (left.length || unsent.length)
      await rewrite(dir, UNSENT, () => writeUnsent(unsent, now())).catch(never)
  }
  const remember = async ({ notices }: Message) => {
    const amend = (told: SentLog) => markSent(told, notices, now())
    for (const place of places) {
      const written = rewrite(place, TOLD, text => serializeSentLog(amend(parseSentLog(text))))
      const error = await written.then(() => undefined, nameOf)
      if (!error) return
      if (place !== places.at(-1)) continue
      kept = amend(kept)
      onForgotten(new Fault('STATE_UNUSABLE', `${join(dir, TOLD)} cannot be written (${error})`))
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
  error instanceof Fault ? error : new Fault('NOTICE_UNSENT', `unexpected: ${nameOf(error)}`)

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
