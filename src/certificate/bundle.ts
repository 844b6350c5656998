/** Parses a chain and its key, orders the chain and checks that they fit. A Bundle exists only if they do. Pure. */
import { createHash } from 'node:crypto'
import { Fault } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { quoteShell } from '../terminal/text.ts'
import { orderChain, withoutRepeated } from './chain.ts'
import { formOf, mislabelled, nameOfDer } from './fileForm.ts'
import { type Block, isCertificate, isPrivate, readPem, TRUSTED, writePem } from './pem.ts'
import { type PrivateKey, readKey } from './privateKey.ts'
import {
  type Certificate,
  displayNameOf,
  isSelfSigned,
  isValid,
  matchesKey,
  objectionTo,
  readCertificate,
} from './x509.ts'

/** What was read from disk at one time. */
export interface Files {
  readonly chain: { readonly path: string; readonly text: string }
  /** Absent for a CA certificate. */
  readonly key:
    | { readonly path: string; readonly text: string; readonly password: Secret | undefined }
    | undefined
  /** Notes on how they were found. */
  readonly notes?: readonly string[] | undefined
  /** They have not been written for a minute, so no renewal is under way. */
  readonly still?: boolean
}

/** What identifies a certificate, without anything secret. */
export interface Identity {
  /** SHA-256 over the DER of every certificate as sent, in hex: reformatting never changes it. */
  readonly fingerprint: string
  /** SHA-256 of the leaf's DER, in hex: what the service and every other tool call the certificate's fingerprint. */
  readonly leaf: string
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  /** How what is sent differs from the files. */
  readonly notes: readonly string[]
  /** Why clients may refuse the certificate. */
  readonly flaws: readonly string[]
}

/** Without chain and key: ten thousand are kept in memory. */
export function identityOf(bundle: Bundle): Identity {
  const { fingerprint, leaf, names, notBefore, notAfter, notes, flaws } = bundle
  return { fingerprint, leaf, names, notBefore, notAfter, notes, flaws }
}

export interface Bundle extends Identity {
  /** PEM as it is sent: leaf first, LF, no blank line, one newline at the end. */
  readonly chainPem: string
  readonly key: PrivateKey | undefined
  /** The file holds the leaf without its issuer, as it does for a moment while a chain is being written. */
  readonly issuerMissing: boolean
  /** When the next of its certificates becomes valid or expires: what is sent, or its flaws, may change then. */
  readonly changesAt: Date | undefined
}

/** @throws Fault: to be checked again soon while the files are changing, never when a person must act. */
export function parseBundle(files: Files, now: Date): Bundle {
  const { chain, key, still = false } = files
  const bundle = key ? parsePair(chain, key, { now, still }) : parseCa(chain, { now, still })
  return files.notes?.length ? { ...bundle, notes: [...files.notes, ...bundle.notes] } : bundle
}

type Moment = { readonly now: Date; readonly still: boolean }

function parsePair(
  chain: Files['chain'],
  keyFile: NonNullable<Files['key']>,
  { now, still }: Moment,
): Bundle {
  const { certificates, notes } = certificatesOf(chain, still)
  const key = readKey(keyFile.text, keyFile.path, keyFile.password, still)
  const leaves = certificates.filter(one => matchesKey(one, key.object))
  const [leaf] = leaves
  if (!leaf) throw mismatch(certificates, chain.path, keyFile.path, still)
  const other = leaves.find(one => one.sha256 !== leaf.sha256)
  if (other) {
    const begun = [leaf, other].map(one => one.notBefore.toISOString()).join(' and ')
    throw new Fault(
      'MULTIPLE_LEAVES',
      `${chain.path}: the key fits more than one certificate, valid from ${begun}`,
    )
  }
  const [unreadable] = leaf.unreadable
  if (unreadable)
    throw new Fault(
      'CERTIFICATE_INVALID',
      `${chain.path}: the ${unreadable} of ${displayNameOf(leaf)} cannot be read`,
      { advice: 'Have it issued again: TLS clients may refuse a certificate that they cannot read.' },
    )
  const ordered = orderChain(certificates, leaf, { file: chain.path, now })
  return bundleOf(ordered.path, {
    key,
    issuerMissing: ordered.issuerMissing,
    judged: leaf,
    changesAt: nextChange(certificates, now),
    notes: [
      ...notes,
      ...ordered.notes,
      ...(ordered.issuerMissing ? [ISSUER_MISSING] : []),
      ...ordered.path.flatMap(unreadableNotes),
    ],
    flaws: ordered.flaws,
  })
}

/** Key and chain of two generations are what a renewal looks like half-way; clients write the server certificate first. */
function mismatch(certificates: readonly Certificate[], chain: string, key: string, still: boolean): Fault {
  const [first] = certificates
  if (first && certificates.every(one => one.authority.isCa) && !isSelfSigned(first))
    return new Fault(
      'UNRELATED_CERTIFICATE',
      `${chain}: holds only CA certificates, ${displayNameOf(first)} first, and not the server certificate of ${key}`,
      { advice: "Name the file with the server certificate before its issuers: certbot's is fullchain.pem." },
    )
  return new Fault(
    still ? 'WRONG_KEY' : 'KEY_MISMATCH',
    `${key}: the key does not belong to ${first?.names[0]} in ${chain}`,
  )
}

/** Only visitors notice it, not the service. */
const ISSUER_MISSING =
  'its issuer is not in the chain file: browsers that do not know it will refuse the certificate'

const unreadableNotes = (issuer: Certificate): readonly string[] =>
  issuer.unreadable.map(what => `the ${what} of the issuer ${displayNameOf(issuer)} cannot be read`)

/** CA certificates are sent as they are, roots included: the root is what clients are checked against. */
function parseCa(chain: Files['chain'], { now, still }: Moment): Bundle {
  const { certificates, notes } = certificatesOf(chain, still)
  const stranger = certificates.find(({ authority: { isCa, maySign } }) => !isCa || !maySign)
  if (stranger)
    throw new Fault(
      'NOT_A_CA',
      `${chain.path}: ${displayNameOf(stranger)} is not a CA certificate${stranger.authority.isCa ? ': it may not sign certificates (no keyCertSign in its key usage)' : ''}`,
    )
  const unique = withoutRepeated(certificates)
  return bundleOf(unique, {
    key: undefined,
    issuerMissing: false,
    judged: firstToEnd(unique, now),
    changesAt: nextChange(unique, now),
    notes: [...notes, ...unique.flatMap(unreadableNotes)],
    flaws: unique.flatMap(one => {
      const objection = objectionTo(one, now)
      return objection ? [`${displayNameOf(one)} ${objection}`] : []
    }),
  })
}

/**
 * Of those valid today the first to expire, else the next to become valid, else the last that expired: a file of
 * authorities is of use while one of them is valid, and due before the next expires.
 */
function firstToEnd(all: readonly Certificate[], now: Date): Certificate {
  const byEnd = all.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime())
  const byStart = all.toSorted((a, b) => a.notBefore.getTime() - b.notBefore.getTime())
  const next = byEnd.find(one => isValid(one, now)) ?? byStart.find(({ notBefore }) => notBefore > now)
  return next ?? (byEnd.at(-1) as Certificate)
}

function nextChange(all: readonly Certificate[], now: Date): Date | undefined {
  const times = all.flatMap(({ notBefore, notAfter }) => [notBefore.getTime(), notAfter.getTime()])
  const next = Math.min(...times.filter(time => time > now.getTime()))
  return Number.isFinite(next) ? new Date(next) : undefined
}

function certificatesOf(file: Files['chain'], still: boolean) {
  const { text, path } = file
  const { blocks, incomplete } = readPem(text, path, still)
  const form = blocks.some(isCertificate) ? undefined : formOf(file, blocks, 'chain')
  if (incomplete && (blocks.length || form?.unknown))
    throw new Fault(
      still ? 'CERTIFICATE_INVALID' : 'PAIR_INCOMPLETE',
      `${path}: ${text.trim() ? 'ends before the certificates do' : 'is empty'}`,
    )
  if (form) throw new Fault('CERTIFICATE_INVALID', `${path}: ${form.says}`, { advice: form.advice })
  const certificates = blocks.filter(isCertificate).map(block => certificateIn(block, path))
  return { certificates, notes: notesOn(blocks) }
}

/** @throws Fault CERTIFICATE_INVALID */
export function certificateIn(block: Block, file: string): Certificate {
  const { label } = block
  const bytes = block.der()
  try {
    return readCertificate(bytes, file, label === TRUSTED)
  } catch (fault) {
    // IIS writes PKCS#7 with this label, and OpenSSL's pkcs7 reads it
    const form = nameOfDer(bytes) === 'derPkcs7' ? undefined : mislabelled(block, 'chain')
    if (form) throw new Fault('CERTIFICATE_INVALID', `${file}: ${form.says}`, { advice: form.advice })
    if (nameOfDer(bytes) !== 'derPkcs7') throw fault
    throw new Fault('CERTIFICATE_INVALID', `${file}: a ${label} block holds a PKCS#7 container`, {
      advice: `Convert it: sed 's/${label}/PKCS7/' ${quoteShell(file)} | openssl pkcs7 -print_certs -out fullchain.pem`,
    })
  }
}

/** What is left out of the chain file. Parameters are not mentioned: servers keep them there too. */
function notesOn(blocks: readonly Block[]): readonly string[] {
  const key = blocks.some(isPrivate)
    ? ['the chain file also contains a private key; it is not sent with the chain']
    : []
  const trusted = blocks.some(({ label }) => label === TRUSTED)
    ? ['what a TRUSTED CERTIFICATE is trusted for is left out']
    : []
  const others = blocks.filter(
    block => !isCertificate(block) && !isPrivate(block) && !block.label.endsWith(' PARAMETERS'),
  )
  const labels = [...new Set(others.map(({ label }) => label))].slice(0, 3)
  return [...key, ...trusted, ...labels.map(label => `a block of the form "${label}" is left out`)]
}

function bundleOf(
  path: readonly Certificate[],
  {
    judged,
    ...rest
  }: Pick<Bundle, 'key' | 'issuerMissing' | 'changesAt' | 'notes' | 'flaws'> & {
    /** The certificate whose dates are the bundle's. */
    readonly judged: Certificate
  },
): Bundle {
  const [leaf] = path as readonly [Certificate]
  const hash = createHash('sha256')
  for (const one of path) hash.update(one.der)
  return {
    ...rest,
    chainPem: path.map(one => writePem('CERTIFICATE', one.der)).join(''),
    fingerprint: hash.digest('hex'),
    leaf: leaf.sha256,
    names: leaf.names,
    notBefore: judged.notBefore,
    notAfter: judged.notAfter,
  }
}
