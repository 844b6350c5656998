/** Asks addresses by TLS which certificate they serve. Nothing is sent but a ClientHello with the name. */
import { createHash, type X509Certificate } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import type { Probe } from '../config/deploy.ts'
import type { Handshake } from '../receipts/replacement.ts'
import { printableText } from '../terminal/text.ts'
import { HANDSHAKE_TIMEOUT_MS } from '../util/schedule.ts'
import { servedLeaf } from './verify.ts'

/** Addresses of one name that are asked, and handshakes under way at once. */
const MAX_ADDRESSES = 8
const MAX_HANDSHAKES = 20

/** A host with two certificates chooses by the algorithms that a client offers. */
const ALGORITHMS = {
  rsa: 'RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512',
  ec: 'ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512',
} as const

export interface KnownLeaves {
  /** SHA-256 of the DER, in hex. */
  readonly current: string
  readonly earlier: ReadonlySet<string>
}

export type ShakeHands = (probes: readonly Probe[], leaves: KnownLeaves) => Promise<readonly Handshake[]>

/** Every address of every name. Never rejects: what cannot be asked is an answer. */
export const shakeHands: ShakeHands = async (probes, leaves) => {
  const targets = (await Promise.all(probes.map(targetsOf))).flat()
  const results: Handshake[] = []
  const queue = targets.values()
  const worker = async () => {
    for (const target of queue) results.push(await ask(target, leaves))
  }
  await Promise.all(Array.from({ length: Math.min(MAX_HANDSHAKES, targets.length) }, worker))
  return results.toSorted((a, b) => a.name.localeCompare(b.name) || a.address.localeCompare(b.address))
}

interface Target {
  readonly name: string
  readonly port: number
  readonly address: string | undefined
  readonly problem?: string
}

async function targetsOf({ name, port, address, isGuess }: Probe): Promise<readonly Target[]> {
  if (address) return [{ name, port, address }]
  try {
    const found = await within(lookup(name, { all: true }))
    return found.slice(0, MAX_ADDRESSES).map(one => ({ name, port, address: one.address }))
  } catch (error) {
    const problem = (error as NodeJS.ErrnoException).code ?? 'not resolved'
    return isGuess ? [] : [{ name, port, address: undefined, problem }]
  }
}

async function within<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(Object.assign(new Error(), { code: 'ETIMEDOUT' })),
    HANDSHAKE_TIMEOUT_MS,
  )
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

async function ask(target: Target, { current, earlier }: KnownLeaves): Promise<Handshake> {
  const { name, port, address, problem } = target
  if (!address) return { name, address: `port ${port}`, leaf: 'none', detail: problem ?? 'no address' }
  const place = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
  const first = await peer(target)
  const answers = [first]
  // one with two certificates may have shown the other one
  if (first.certificate && digest(first.certificate) !== current)
    for (const sigalgs of Object.values(ALGORITHMS)) answers.push(await peer(target, { sigalgs }))
  const judged = answers.flatMap(({ certificate }) =>
    certificate ? [{ certificate, leaf: servedLeaf(digest(certificate), current, earlier) }] : [],
  )
  const best =
    judged.find(({ leaf }) => leaf === 'new') ?? judged.find(({ leaf }) => leaf === 'old') ?? judged[0]
  if (!best) return { name, address: place, leaf: 'none', detail: first.problem ?? 'no certificate' }
  const detail = best.leaf === 'other' ? describe(best.certificate) : undefined
  return { name, address: place, leaf: best.leaf, ...(detail && { detail }) }
}

const digest = ({ raw }: X509Certificate) => createHash('sha256').update(raw).digest('hex')

const describe = ({ issuer, validTo }: X509Certificate) =>
  printableText(`issued by ${issuer.split('\n').at(-1) ?? ''}, until ${validTo}`, 200)

interface Answer {
  readonly certificate?: X509Certificate | undefined
  readonly problem?: string
}

/** The chain is not verified and no session is resumed: only the leaf counts. */
function peer(
  { name, port, address }: Target,
  more: Pick<ConnectionOptions, 'sigalgs'> = {},
): Promise<Answer> {
  return new Promise(resolve => {
    const options: ConnectionOptions = {
      host: address,
      port,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    }
    const socket = connect({ ...options, ...more, ...(isIP(name) ? {} : { servername: name }) })
    const timer = setTimeout(() => end({ problem: 'ETIMEDOUT' }), HANDSHAKE_TIMEOUT_MS)
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.once('secureConnect', () => end({ certificate: socket.getPeerX509Certificate() }))
    socket.once('error', (error: NodeJS.ErrnoException) => end({ problem: error.code ?? 'handshake failed' }))
    socket.once('close', () => end({ problem: 'closed' }))
  })
}
