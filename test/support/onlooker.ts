/** Looks at one certificate's real files on virtual time: once, as a pass does, or as the daemon does until nothing is left to do. */

import { setImmediate } from 'node:timers/promises'
import type { Bundle } from '../../src/certificate/bundle.ts'
import { createDaemonLog } from '../../src/daemon/log.ts'
import { createWorkQueue } from '../../src/daemon/workQueue.ts'
import { createLogger } from '../../src/log/logger.ts'
import type { Receipt } from '../../src/receipts/receipt.ts'
import { stampsOf } from '../../src/sources/fileStamp.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { readPair } from '../../src/sources/readPair.ts'
import { type State, statusRow } from '../../src/status/status.ts'
import { exitOf, type Outcome, outcomeJson } from '../../src/upload/outcome.ts'
import { type SyncAllDeps, syncAll } from '../../src/upload/syncAll.ts'
import { syncCertificate } from '../../src/upload/syncCertificate.ts'
import { memory, WISHES } from '../memory.ts'
import { identityOf } from './identity.ts'
import { recordedWorld } from './world.ts'

export interface Onlooker {
  /** One look that believes nothing unfinished. */
  readonly look: (lineage: Lineage) => Promise<Outcome>
  /** All looks of a pass, then the daemon's rounds until they rest. */
  readonly stay: (lineage: Lineage) => Promise<Stay>
  /** Somebody else who knows the same and has sent nothing yet. */
  readonly another: () => Onlooker
  /** What was sent, in order, by `identityOf`. */
  readonly sent: () => readonly string[]
  /** Every word: log lines and outcomes. */
  readonly said: () => string
}

export interface Stay {
  /** As `status` shows it. */
  readonly state: State
  readonly exit: number
  /** Why, where it is not well. */
  readonly reason: string | null
  /** Warnings that a renewal has been half-way for ten minutes. */
  readonly warnings: number
}

/** When it is, as far as onlookers know: a slow machine must not make files look settled. */
export interface Clock {
  time: number
}

export function openOnlooker(clock: Clock, known: ReadonlyMap<string, Receipt> = new Map()): Onlooker {
  const { world, out } = recordedWorld({ cwd: '/' })
  const log = createLogger({ level: 'debug', output: world.stdout, now: world.now })
  const words: string[] = []
  let passed = 0
  const now = () => clock.time + passed
  const wait = async (ms: number) => {
    passed += ms
  }
  const kept = memory({
    now: () => new Date(now()),
    sleep: wait,
    glance: stampsOf,
    read: lineage => readPair(lineage, { now: () => new Date(now()), wait }),
    upload: async (bundle, { id }) => {
      kept.sent.push({ lineage: id, bundle })
      // the service gives the same ID to the same certificate, whoever sends it
      const certificateId = bundle.fingerprint.slice(0, 8)
      return { certificateId, requestId: `request-${kept.sent.length}`, reused: false, attempts: 1 }
    },
  })
  for (const [id, receipt] of known) kept.receipts.set(id, receipt)
  const heard = (outcome: Outcome): Outcome => {
    words.push(JSON.stringify(outcomeJson(outcome)))
    return outcome
  }
  return {
    look: async lineage => heard(await syncCertificate(lineage, kept.effects, WISHES)),
    stay: async lineage => {
      const [outcome] = await syncAll([lineage], kept.effects, WISHES)
      if (!outcome) throw new Error(`a pass had nothing to say of ${lineage.id}`)
      heard(outcome)
      const voice = createDaemonLog(log, now)
      let warnings = 0
      await untilRest(lineage, kept.effects, {
        now,
        wait,
        tell: voice.outcome,
        onLongPending: id => {
          warnings += 1
          voice.longPending(id)
        },
      })
      const { state, reason } = statusRow(
        { outcome, receipt: kept.receipts.get(lineage.id) },
        new Date(now()),
      )
      return { state, exit: exitOf([outcome]), reason, warnings }
    },
    another: () => openOnlooker(clock, kept.receipts),
    sent: () => kept.sent.map(({ bundle }) => identityOf(contentsOf(bundle))),
    said: () => [...words, out()].join('\n'),
  }
}

/** As the service would be sent it. */
export const contentsOf = ({ chainPem, key }: Bundle) => ({ chain: chainPem, key: key?.pem.reveal() ?? '' })

interface Rest {
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  readonly tell: (outcome: Outcome) => void
  readonly onLongPending: (id: string) => void
}

/** The daemon's rounds after one nudge, until no alarm is set: hours pass as fast as they are waited for. */
async function untilRest(lineage: Lineage, effects: SyncAllDeps, { now, wait, tell, onLongPending }: Rest) {
  let alarm: { readonly at: number; readonly ring: () => void } | undefined
  let looking: Promise<unknown> = Promise.resolve()
  const look = async (last: boolean) => {
    const outcome = await syncCertificate(lineage, effects, { ...WISHES, last })
    tell(outcome)
    return outcome.outcome === 'failed' && outcome.fault.retry === 'soon' ? 'mid-change' : 'done'
  }
  const rounds = createWorkQueue({
    look: (_, last) => {
      const ending = look(last)
      looking = ending
      return ending
    },
    onLongPending,
    now,
    setTimer: (ms, ring) => {
      const set = { at: now() + ms, ring }
      alarm = set
      return () => {
        if (alarm === set) alarm = undefined
      }
    },
  })
  rounds.enqueue([lineage.id])
  while (alarm) {
    const { at, ring } = alarm
    alarm = undefined
    await wait(Math.max(0, at - now()))
    ring()
    await looking
    // the rounds set the next alarm when they have heard of the look's end
    await setImmediate()
  }
}
