/** Every prefix of what a client writes: looked at after each step, and left there for good. */
import { parseBundle } from '../../src/certificate/bundle.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { identityOf } from './identity.ts'
import { leaksIn } from './leaks.ts'
import { type Onlooker, openOnlooker } from './onlooker.ts'
import type { Contents } from './recorded.ts'
import { finely, type Step } from './steps.ts'

export interface Writing {
  /** One certificate after the other, each with the steps that bring it. */
  readonly generations: ReadonlyArray<{ readonly pair: Contents; readonly steps: readonly Step[] }>
  /** The certificate as the sources find it now, if they do. */
  readonly find: () => Promise<Lineage | undefined>
}

export interface Tally {
  readonly prefixes: number
  /** Prefixes at which nothing whole was on disk, and was said to be pending, exit code and warning included. */
  readonly pending: number
  /** Promises not kept, each with the step. */
  readonly broken: readonly string[]
  /** Of those who were left at a prefix: had not sent the last certificate when the client had finished. */
  readonly lost: number
  readonly duplicated: number
  readonly leaked: number
  /** What the one who looked once after every step has sent. */
  readonly sent: readonly string[]
}

/** Somebody who was left at a prefix, and what had been sent until then. */
interface Left {
  readonly after: string
  readonly onlooker: Onlooker
  readonly before: readonly string[]
}

export async function everyPrefix({ generations, find }: Writing): Promise<Tally> {
  const clock = { time: Date.now() }
  const watching = openOnlooker(clock)
  const left: Left[] = []
  const broken: string[] = []
  let pending = 0
  for (const { steps } of generations) {
    for (const { name, run } of finely(steps)) {
      clock.time = Date.now()
      await run()
      const lineage = await find()
      const onlooker = watching.another()
      left.push({ after: name, onlooker, before: watching.sent() })
      const verdict = lineage ? await verdictOf(onlooker, lineage) : 'absent'
      if (verdict === 'pending') pending += 1
      else if (!QUIET.has(verdict)) broken.push(`${name}: ${verdict}`)
      if (lineage) await watching.look(lineage)
    }
  }
  const pairs = generations.map(({ pair }) => pair)
  for (const { after, onlooker } of left)
    broken.push(...mixed(onlooker, pairs).map(what => `${after}: ${what}`))
  const endings = await Promise.all(left.map(async one => ended(one, await find(), pairs)))
  const count = (test: (ending: (typeof endings)[number]) => boolean) => endings.filter(test).length
  return {
    prefixes: left.length,
    pending,
    broken,
    lost: count(({ arrived }) => !arrived),
    duplicated: count(({ twice }) => twice),
    leaked: count(({ leaks }) => leaks > 0),
    sent: watching.sent(),
  }
}

const QUIET: ReadonlySet<string> = new Set(['absent', 'ok', 'missing'])

/** `ok`, or `pending` where it is told in every way there is; anything else is told in words. */
async function verdictOf(onlooker: Onlooker, lineage: Lineage): Promise<string> {
  const { state, exit, reason, warnings } = await onlooker.stay(lineage)
  const expected = { ok: [0, 0], pending: [75, 1] }[state as 'ok' | 'pending']
  // of a file that the operator named only the operator knows whether it is about to come
  if (lineage.kind === 'pem' && exit === 66 && reason?.endsWith('is not there')) return 'missing'
  const kept = expected?.[0] === exit && expected[1] === warnings
  return kept ? state : `${state}, exit ${exit}, ${warnings} warnings: ${reason}`
}

/** Whatever is sent is a key with its own certificate and as many of its issuers as were on disk. */
function mixed(onlooker: Onlooker, pairs: readonly Contents[]): readonly string[] {
  const proper = new Set(
    pairs.flatMap(({ chain, key }) => beginningsOf(chain).map(part => identityOf({ chain: part, key }))),
  )
  return onlooker
    .sent()
    .flatMap((identity, i) => (proper.has(identity) ? [] : [`upload ${i + 1} is nobody's`]))
}

const beginningsOf = (chain: string) =>
  [...chain.matchAll(/-----END CERTIFICATE-----/g)].map(({ index, 0: end }) =>
    chain.slice(0, index + end.length),
  )

const fingerprintOf = ({ chain, key }: Contents) =>
  parseBundle(
    { chain: { path: 'chain', text: chain }, key: { path: 'key', text: key, password: undefined } },
    new Date(),
  ).fingerprint

/** The client has finished after all: one more look. */
async function ended({ onlooker, before }: Left, lineage: Lineage | undefined, pairs: readonly Contents[]) {
  const outcome = lineage && (await onlooker.look(lineage))
  const last = pairs.at(-1)
  const known = outcome && 'certificateId' in outcome && outcome.bundle
  const sent = [...before, ...onlooker.sent()]
  return {
    arrived: known && last && known.fingerprint === fingerprintOf(last),
    twice: new Set(sent).size < sent.length,
    leaks: leaksIn(onlooker.said(), { keys: pairs.map(({ key }) => key), secrets: [] }).length,
  }
}
