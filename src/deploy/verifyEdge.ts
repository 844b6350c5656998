/** Asks the addresses of what was replaced until they serve the new certificate, or have not for too long. */
import type { DeploySettings } from '../config/deploy.ts'
import { EDGE_POLLS_MS, ROUND_INTERVAL_MS } from '../util/schedule.ts'
import type { Chain } from './chain.ts'
import type { ShakeHands } from './handshake.ts'
import type { ReplacementRecord } from './replacementRecord.ts'
import { probesFor, unverifiedReason, verdictOf } from './verify.ts'

export interface VerifyDeps {
  readonly now: () => Date
  /** Rejects when the work is to end. */
  readonly sleep: (ms: number) => Promise<void>
  readonly shakeHands: ShakeHands
}

const UNVERIFIED_ADVICE =
  'Nothing needs to be wrong: private addresses cannot be asked from here. To ask elsewhere: verify = ["host@address:port"]; to ask nothing: verify = false.'

/** Ends as verified, unverified or stale, or early where `chainNow` shows a renewal meanwhile. */
export async function verifyEdge(
  record: ReplacementRecord,
  deploy: Pick<DeploySettings, 'probes'>,
  chainNow: () => Promise<Chain>,
  deps: VerifyDeps,
): Promise<void> {
  const { to } = record.current
  for (let polls = 0; ; polls++) {
    const chain = await chainNow()
    if (record.current.to !== to) return
    const domains = record.current.resources.flatMap(resource => resource.domains)
    const probes = probesFor(domains, chain.current.names, deploy.probes)
    const leaves = { current: chain.current.leaf, earlier: chain.earlierLeaves }
    const handshakes = probes.length ? await deps.shakeHands(probes, leaves) : []
    const now = deps.now()
    const replacedAt = new Date(record.current.replacedAt ?? record.current.since)
    const verdict = verdictOf(handshakes, { replacedAt, now })
    const { firstRoundAt, ...before } = record.current
    record.current = { ...before, handshakes }
    if (verdict === 'unknown') {
      const reason = unverifiedReason(handshakes)
      return record.enter('unverified', { reason, advice: UNVERIFIED_ADVICE, ...record.nextCheck() })
    }
    if (verdict === 'stale') {
      const stale = handshakes.filter(({ leaf }) => leaf === 'old')
      const reason = `${stale.map(({ name, address }) => `${name} at ${address}`).join(', ')} still serves an older certificate`
      return record.enter('stale', { reason, ...record.nextCheck() })
    }
    if (verdict === 'new') {
      const first = firstRoundAt && new Date(firstRoundAt) <= now ? firstRoundAt : now.toISOString()
      if (now.getTime() - Date.parse(first) >= ROUND_INTERVAL_MS)
        return record.enter('verified', { attempts: 0 })
      await record.save({ ...record.current, firstRoundAt: first })
      await deps.sleep(ROUND_INTERVAL_MS)
    } else {
      await record.save(record.current)
      await deps.sleep(EDGE_POLLS_MS[Math.min(polls, EDGE_POLLS_MS.length - 1)] ?? 0)
    }
  }
}
