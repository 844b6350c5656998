/** The service as a fleet sees it, in virtual time: one limit for all, an ID for every certificate, the same to whoever asks again. */

import { createRateLimit } from '../../../src/emulator/gateway.ts'
import type { Parameters, Reply } from '../../../src/tencent/response.ts'
import { readReply } from '../../../src/tencent/response.ts'

/**
 * `fixed`     one-second windows, the first of each pass: what the service's documents say
 * `sliding`   no second, wherever it begins, lets more pass: the emulator, and stricter
 * `counting`  as sliding, but what was turned away counts as well: nobody says that the service does so
 */
export type Window = 'fixed' | 'sliding' | 'counting'

export interface AccountOptions {
  readonly perSecond: number
  readonly window: Window
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  readonly dice: () => number
  /** Milliseconds under way, there or back. */
  readonly road?: Road | undefined
}

export interface Road {
  readonly least: number
  readonly most: number
}

export interface Account {
  readonly send: (action: string, parameters: Parameters) => Promise<Reply>
  /** IDs by certificate. */
  readonly stored: ReadonlyMap<string, string>
  readonly figures: () => { readonly passed: number; readonly throttled: number; readonly lastAt: number }
}

/** Of hosts anywhere. */
const ROAD: Road = { least: 10, most: 60 }

const THROTTLE = envelope({
  Error: { Code: 'RequestLimitExceeded', Message: 'Your current request times equals to `11` in a second.' },
})

export function openAccount({
  perSecond,
  window,
  now,
  wait,
  dice,
  road: { least, most } = ROAD,
}: AccountOptions): Account {
  const limit = LIMITS[window](perSecond, dice)
  const stored = new Map<string, string>()
  let passed = 0
  let throttled = 0
  let lastAt = 0
  const road = () => wait(least + dice() * (most - least))

  const answer = ({ CertificatePublicKey, Repeatable }: Parameters): string => {
    if (!limit(now())) {
      throttled += 1
      return THROTTLE
    }
    passed += 1
    lastAt = now()
    const chain = String(CertificatePublicKey)
    const id = (Repeatable ? undefined : stored.get(chain)) ?? `ID${stored.size}`
    const known = stored.has(chain)
    stored.set(chain, id)
    return envelope({ CertificateId: id, RepeatCertId: known ? id : '' })
  }
  return {
    send: async (_, parameters) => {
      await road()
      const reply = answer(parameters)
      await road()
      return readReply(200, reply)
    },
    stored,
    figures: () => ({ passed, throttled, lastAt }),
  }
}

function envelope(fields: object): string {
  return JSON.stringify({ Response: { ...fields, RequestId: '00000000-0000-4000-8000-000000000000' } })
}

/** Whether a request that arrives now passes. */
type Limit = (at: number) => boolean

const LIMITS: Readonly<Record<Window, (perSecond: number, dice: () => number) => Limit>> = {
  fixed: (perSecond, dice) => {
    const phase = dice() * 1_000
    let second = Number.NaN
    let count = 0
    return at => {
      const current = Math.floor((at + phase) / 1_000)
      if (current !== second) count = 0
      second = current
      count += 1
      return count <= perSecond
    }
  },
  sliding: perSecond => {
    const { check } = createRateLimit(perSecond)
    return at => {
      try {
        check('account', at)
        return true
      } catch {
        return false
      }
    }
  },
  counting: perSecond => {
    const arrivals: number[] = []
    return at => {
      arrivals.push(at)
      while ((arrivals[0] ?? at) <= at - 1_000) arrivals.shift()
      return arrivals.length <= perSecond
    }
  },
}
