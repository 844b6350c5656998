/** The path from a leaf upwards, put in order out of whatever stood in the file. Pure. */
import { type Certificate, isSelfSigned, isSignedBy, namesAsIssuer, titleOf } from './certificate.ts'
import { Fault } from './fault.ts'

export interface Chain {
  /** Leaf first, each signed by the next, without the self-signed root. */
  readonly path: readonly Certificate[]
  /** What was done to the file's order and content, in words for the log. */
  readonly notes: readonly string[]
  /** The leaf's issuer was not in the file. A self-signed certificate misses none. */
  readonly alone: boolean
}

/** In one file, that is; the longest chains seen have five. */
const MOST = 32
/** Signatures verified: one takes up to 7 ms where the key's maker wants it to. */
const MOST_CHECKS = 128

/** @throws Fault CHAIN_STRANGER or TWO_LEAVES where the file holds certificates that do not belong to the leaf. */
export function orderChain(found: readonly Certificate[], leaf: Certificate, file: string): Chain {
  const certificates = found.filter((one, i) => found.findIndex(other => other.sha256 === one.sha256) === i)
  if (certificates.length > MOST)
    throw new Fault(
      'CHAIN_STRANGER',
      `${file}: holds ${certificates.length} certificates, no chain is so long`,
    )
  const issuers = issuersFrom(certificates, leaf, file)
  refuseStrangers(
    certificates.filter(one => !issuers.has(one)),
    file,
  )

  const walked = walk(issuers, leaf)
  const top = walked.at(-1)
  const path = walked.length > 1 && top && isSelfSigned(top) ? walked.slice(0, -1) : walked
  return {
    path,
    notes: notesOn(found, certificates, path),
    alone: walked.length === 1 && !isSelfSigned(leaf),
  }
}

type Issuers = ReadonlyMap<Certificate, readonly Certificate[]>

/**
 * Everything that can be reached from the leaf by signatures, each with its issuers in the file's order: cross-signed
 * twins of an issuer are reached too.
 */
function issuersFrom(certificates: readonly Certificate[], leaf: Certificate, file: string): Issuers {
  const issuers = new Map<Certificate, readonly Certificate[]>()
  const reached = new Set([leaf])
  let checks = 0
  for (const child of reached) {
    const candidates = certificates.filter(one => one !== child && namesAsIssuer(child, one))
    checks += candidates.length
    if (checks > MOST_CHECKS)
      throw new Fault('CHAIN_STRANGER', `${file}: holds too many certificates of one name, ${titleOf(child)}`)
    const found = candidates.filter(one => isSignedBy(child, one))
    issuers.set(child, found)
    for (const issuer of found) reached.add(issuer)
  }
  return issuers
}

/** One issuer at each step: the first in the file's order, as its maker meant it. */
function walk(issuers: Issuers, leaf: Certificate): readonly Certificate[] {
  const path = [leaf]
  for (let at = leaf; !isSelfSigned(at); ) {
    const next = issuers.get(at)?.find(one => !path.includes(one))
    if (!next) break
    path.push(next)
    at = next
  }
  return path
}

function refuseStrangers(strangers: readonly Certificate[], file: string): void {
  const [first] = strangers
  if (!first) return
  const second = strangers.find(one => !one.isCa)
  if (second) throw new Fault('TWO_LEAVES', `${file}: holds a second server certificate, ${titleOf(second)}`)
  throw new Fault('CHAIN_STRANGER', `${file}: ${titleOf(first)} has not signed anything in this chain`)
}

function notesOn(
  found: readonly Certificate[],
  unique: readonly Certificate[],
  path: readonly Certificate[],
): readonly string[] {
  const kept = unique.filter(one => path.includes(one))
  const dropped = unique.filter(one => !path.includes(one))
  const repeated = found.length - unique.length
  return [
    ...(repeated ? [`${repeated} repeated certificate${repeated === 1 ? '' : 's'} left out`] : []),
    ...dropped.map(one => `${isSelfSigned(one) ? 'root' : 'alternative issuer'} ${titleOf(one)} left out`),
    ...(kept.some((one, i) => one !== path[i]) ? ['certificates put in order, leaf first'] : []),
  ]
}
