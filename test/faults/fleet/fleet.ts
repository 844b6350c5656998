/** A night of renewals in a fleet: so many servers that know nothing of one another, one limit, virtual time. */
import { setImmediate } from 'node:timers/promises'
import type { Bundle } from '../../../src/certificate/bundle.ts'
import { seededDice } from '../../fixtures/dice.ts'
import { virtualClock } from '../../fixtures/virtualClock.ts'
import { type Agent, agent } from './fleetServer.ts'
import { openAccount, type Road, type Window } from './sharedLimit.ts'

export interface Night {
  readonly agents: number
  /** Certificates that every server holds, and such that only one holds. */
  readonly everywhere: number
  readonly single: number
  /** Requests a second: the account's limit, and what each server is allowed by its operator. */
  readonly perSecond: number
  readonly ratePerSecond?: number
  readonly window: Window
  /** Within so many milliseconds all servers begin, or when each of them does. */
  readonly within: number | readonly number[]
  readonly road?: Road
  readonly shifts?: { readonly on: number; readonly off: number }
}

export interface Morning {
  /** Each server has to ask once for each of its certificates: nobody else tells it the ID. */
  readonly needed: number
  /** Seconds that so many requests take at the limit. */
  readonly own: number
  /** Seconds until the last of them passed. */
  readonly taken: number
  readonly ratio: number
  readonly throttled: number
  /** The longest time in which nothing of one server got through, in seconds. */
  readonly longestWait: number
  readonly passes: number
  /** Certificates of a server without an ID, or with another than the service knows. */
  readonly lost: number
  /** Requests that passed and were not needed. */
  readonly wasted: number
  readonly duplicated: number
}

export async function night(wishes: Night, bundle: Bundle, seed: number): Promise<Morning> {
  const {
    agents,
    everywhere,
    single,
    perSecond,
    ratePerSecond = perSecond,
    window,
    within,
    shifts,
    road,
  } = wishes
  const dice = seededDice(seed)
  const clock = virtualClock({ still: () => setImmediate() })
  const account = openAccount({ ...clock, perSecond, window, dice, road })
  const certificates = Array.from({ length: everywhere + single }, (_, i) => nthOf(bundle, i))
  const held = (server: number) =>
    certificates.filter((_, i) => i < everywhere || (i - everywhere) % agents === server)
  const one = async (server: number): Promise<Agent> => {
    await clock.wait(typeof within === 'number' ? dice() * within : (within[server] ?? 0))
    return agent({
      bundles: held(server),
      ratePerSecond,
      send: account.send,
      passing: { ...clock, dice },
      shifts,
    })
  }
  const all = await clock.until(Promise.all(Array.from({ length: agents }, (_, server) => one(server))))
  const needed = agents * everywhere + single
  const { passed, throttled, lastAt } = account.figures()
  const own = needed / perSecond
  const known = (server: number, one: Bundle) =>
    all[server]?.ids.get(one.fingerprint) === account.stored.get(one.chainPem)
  return {
    needed,
    own,
    taken: lastAt / 1_000,
    ratio: lastAt / 1_000 / own,
    throttled,
    longestWait: Math.max(...all.map(({ longestWait }) => longestWait)) / 1_000,
    passes: all.reduce((sum, { passes }) => sum + passes, 0),
    lost: all.flatMap((_, server) => held(server).filter(one => !known(server, one))).length,
    wasted: passed - needed,
    duplicated:
      account.stored.size -
      new Set(account.stored.values()).size +
      (account.stored.size - certificates.length),
  }
}

/** As good as another certificate: to plan and service it is one by its fingerprint and its text. */
const nthOf = (bundle: Bundle, n: number): Bundle => ({
  ...bundle,
  fingerprint: n.toString(16).padStart(64, '0'),
  chainPem: `certificate ${n}`,
  names: [`host${n}.example.com`],
})
