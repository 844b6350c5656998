/** Puts the certificates of a file in order, from the leaf upwards. Pure. */
import { Fault } from '../errors.ts'
import {
  type Certificate,
  displayNameOf,
  isAuthority,
  isSelfSigned,
  isSignedBy,
  isValid,
  namesAsIssuer,
  objectionToIssuer,
} from './x509.ts'

interface Chain {
  /** Leaf first, each signed by the next, without the self-signed root. */
  readonly path: readonly Certificate[]
  /** How the path differs from the file, in words for the log. */
  readonly notes: readonly string[]
  /** What clients object to in the leaf's issuers. */
  readonly flaws: readonly string[]
  /** The leaf's issuer is not in the file. A self-signed leaf has none. */
  readonly issuerMissing: boolean
}

/** In one file. The longest chains in use have five. */
const MAX_CERTIFICATES = 32

/** A hostile key can make one take 7 ms. */
const MAX_SIGNATURE_CHECKS = 128

/** @throws Fault UNRELATED_CERTIFICATE or MULTIPLE_LEAVES where the file holds certificates that do not belong to the leaf. */
export function orderChain(
  found: readonly Certificate[],
  leaf: Certificate,
  { file, now }: { readonly file: string; readonly now: Date },
): Chain {
  const certificates = withoutRepeated(found)
  if (certificates.length > MAX_CERTIFICATES)
    throw new Fault(
      'UNRELATED_CERTIFICATE',
      `${file}: holds ${certificates.length} certificates, no chain is so long`,
    )
  const issuers = issuersFrom(certificates, leaf, file)
  rejectUnrelated(
    certificates.filter(one => !issuers.has(one)),
    file,
  )

  const walked = walk(issuers, leaf, now)
  const top = walked.at(-1)
  const path = walked.length > 1 && top && isSelfSigned(top) ? walked.slice(0, -1) : walked
  return {
    path,
    notes: notesOn(found, certificates, path, now),
    flaws: flawsIn(walked, now),
    issuerMissing: walked.length === 1 && !isSelfSigned(leaf),
  }
}

/** The first of each. */
export const withoutRepeated = (all: readonly Certificate[]): readonly Certificate[] =>
  all.filter((one, i) => all.findIndex(other => other.sha256 === one.sha256) === i)

type Issuers = ReadonlyMap<Certificate, readonly Certificate[]>

/**
 * Follows signatures from the leaf. Each certificate has its issuers in the file's order, cross-signed twins among them.
 */
function issuersFrom(certificates: readonly Certificate[], leaf: Certificate, file: string): Issuers {
  const issuers = new Map<Certificate, readonly Certificate[]>()
  const reached = new Set([leaf])
  let checks = 0
  for (const child of reached) {
    const candidates = certificates.filter(one => one !== child && namesAsIssuer(child, one))
    checks += candidates.length
    if (checks > MAX_SIGNATURE_CHECKS)
      throw new Fault(
        'UNRELATED_CERTIFICATE',
        `${file}: holds too many certificates of one name, ${displayNameOf(child)}`,
      )
    const found = candidates.filter(one => isSignedBy(child, one))
    issuers.set(child, found)
    for (const issuer of found) reached.add(issuer)
  }
  return issuers
}

/**
 * Chooses one issuer at each step: the first path in the file's order that clients verify today. If there is none, valid
 * issuers come before others.
 */
function walk(issuers: Issuers, leaf: Certificate, now: Date): readonly Certificate[] {
  const isSound = (one: Certificate) => objectionToIssuer(one, now) === undefined
  const sound = climb(issuers, leaf, isSound)
  if (sound) return sound
  const path = [leaf]
  for (let at = leaf; !isSelfSigned(at); ) {
    const candidates = (issuers.get(at) ?? []).filter(one => !path.includes(one))
    const next = candidates.find(isSound) ?? candidates.find(one => isValid(one, now)) ?? candidates[0]
    if (!next) break
    path.push(next)
    at = next
  }
  return path
}

/** The first path that ends at a root, or where the file has no further issuer. Each certificate is tried once. */
function climb(
  issuers: Issuers,
  leaf: Certificate,
  isSound: (one: Certificate) => boolean,
): readonly Certificate[] | undefined {
  const tried = new Set([leaf])
  const from = (at: Certificate): readonly Certificate[] | undefined => {
    const above = issuers.get(at) ?? []
    if (!above.length || isSelfSigned(at)) return [at]
    for (const next of above) {
      if (tried.has(next) || !isSound(next)) continue
      tried.add(next)
      const rest = from(next)
      if (rest) return [at, ...rest]
    }
    return undefined
  }
  return from(leaf)
}

function rejectUnrelated(strangers: readonly Certificate[], file: string): void {
  const [first] = strangers
  if (!first) return
  const second = strangers.find(
    one => !isAuthority(one) && !strangers.some(other => other !== one && other.issuer === one.subject),
  )
  if (second)
    throw new Fault('MULTIPLE_LEAVES', `${file}: holds a second server certificate, ${displayNameOf(second)}`)
  throw new Fault(
    'UNRELATED_CERTIFICATE',
    `${file}: ${displayNameOf(first)} has not signed anything in this chain`,
  )
}

/** Includes the root, which is not sent: clients that know no other verify by it. */
function flawsIn([, ...above]: readonly Certificate[], now: Date): readonly string[] {
  return above.flatMap((one, i) => {
    const objection = objectionToIssuer(one, now) ?? tooLow(one, above.slice(0, i))
    return objection
      ? [`its issuer ${displayNameOf(one)} ${objection}: clients may refuse the certificate`]
      : []
  })
}

/** RFC 5280, 4.2.1.9. */
function tooLow(
  { authority: { pathLength } }: Certificate,
  under: readonly Certificate[],
): string | undefined {
  const below = under.filter(({ subject, issuer }) => subject !== issuer).length
  return pathLength !== undefined && below > pathLength
    ? `allows ${pathLength} intermediate${pathLength === 1 ? '' : 's'} below it and has ${below}`
    : undefined
}

function notesOn(
  found: readonly Certificate[],
  unique: readonly Certificate[],
  path: readonly Certificate[],
  now: Date,
): readonly string[] {
  const kept = unique.filter(one => path.includes(one))
  const dropped = unique.filter(one => !path.includes(one))
  const repeated = found.length - unique.length
  const leftOut = (one: Certificate) => {
    if (isSelfSigned(one)) return `root ${displayNameOf(one)} left out`
    const objection = objectionToIssuer(one, now)
    return `alternative issuer ${displayNameOf(one)} left out${objection ? `: it ${objection}` : ''}`
  }
  return [
    ...(repeated ? [`${repeated} repeated certificate${repeated === 1 ? '' : 's'} left out`] : []),
    ...dropped.map(leftOut),
    ...(kept.some((one, i) => one !== path[i]) ? ['certificates put in order, leaf first'] : []),
  ]
}
