/** The path from a leaf upwards, put in order out of whatever stood in the file. Pure. */
import { type Certificate, issuedBy } from './certificate.ts'
import { Fault } from './fault.ts'

export interface Chain {
  /** Leaf first, each signed by the next, without the self-signed root. */
  readonly path: readonly Certificate[]
  /** What was done to the file's order and content, in words for the log. */
  readonly notes: readonly string[]
  /** The leaf's issuer was not in the file. A self-signed certificate misses none. */
  readonly alone: boolean
}

/** @throws Fault CHAIN_STRANGER or TWO_LEAVES where the file holds certificates that do not belong to the leaf. */
export function orderChain(found: readonly Certificate[], leaf: Certificate, file: string): Chain {
  const certificates = found.filter((one, i) => found.findIndex(other => other.sha256 === one.sha256) === i)
  const related = relatives(certificates, leaf)
  refuseStrangers(
    certificates.filter(one => !related.has(one)),
    file,
  )

  const walked = walk(certificates, leaf)
  const top = walked.at(-1)
  const path = walked.length > 1 && top?.selfSigned ? walked.slice(0, -1) : walked
  return { path, notes: notesOn(found, certificates, path), alone: walked.length === 1 && !leaf.selfSigned }
}

const issuersOf = (certificates: readonly Certificate[], child: Certificate) =>
  certificates.filter(one => one !== child && issuedBy(child, one))

/** Everything that can be reached from the leaf by signatures: cross-signed twins of an issuer are relatives too. */
function relatives(certificates: readonly Certificate[], leaf: Certificate): ReadonlySet<Certificate> {
  const related = new Set([leaf])
  for (const one of related) for (const issuer of issuersOf(certificates, one)) related.add(issuer)
  return related
}

/** One issuer at each step: the first in the file's order, as its maker meant it. */
function walk(certificates: readonly Certificate[], leaf: Certificate): readonly Certificate[] {
  const path = [leaf]
  for (let at = leaf; !at.selfSigned; ) {
    const next = issuersOf(certificates, at).find(one => !path.includes(one))
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
  if (second) throw new Fault('TWO_LEAVES', `${file}: holds a second server certificate, ${second.subject}`)
  throw new Fault('CHAIN_STRANGER', `${file}: ${first.subject} has not signed anything in this chain`)
}

function notesOn(
  found: readonly Certificate[],
  unique: readonly Certificate[],
  path: readonly Certificate[],
): readonly string[] {
  const kept = unique.filter(one => path.includes(one))
  const dropped = unique.filter(one => !path.includes(one))
  return [
    ...(found.length > unique.length
      ? [`${found.length - unique.length} repeated certificate left out`]
      : []),
    ...dropped.map(one => `${one.selfSigned ? 'root' : 'alternative issuer'} ${one.subject} left out`),
    ...(kept.some((one, i) => one !== path[i]) ? ['certificates put in order, leaf first'] : []),
  ]
}
