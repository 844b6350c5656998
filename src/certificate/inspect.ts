/** Shows what PEM files hold, block by block, and whether they would be uploaded. Pure. */
import type { KeyObject } from 'node:crypto'
import { Fault } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { printableText, wrap } from '../terminal/text.ts'
import { type Bundle, certificateIn, parseBundle } from './bundle.ts'
import { validityFault } from './expiry.ts'
import { formOf } from './fileForm.ts'
import { type Block, isCertificate, isPrivate, readPem } from './pem.ts'
import { isEncrypted, keyless, openKey } from './privateKey.ts'

interface BlockView {
  readonly label: string
  readonly subject?: string
  readonly issuer?: string
  readonly names?: readonly string[]
  readonly notBefore?: string
  readonly notAfter?: string
  readonly kind?: string
  readonly serial?: string
  readonly keyId?: string | undefined
  readonly authorityKeyId?: string | undefined
  readonly keyUsage?: readonly string[] | undefined
  readonly policies?: readonly string[] | undefined
  /** What `@peculiar/x509` cannot read. */
  readonly unreadable?: readonly string[] | undefined
  readonly sha256?: string
}

interface FileView {
  readonly path: string
  readonly blocks: readonly BlockView[]
  readonly fault?: Fault
}

interface ValidVerdict {
  readonly type: 'SVR' | 'CA'
  readonly fingerprint: string
  readonly certificates: number
  readonly notes: readonly string[]
}

type InspectionVerdict = ValidVerdict | { readonly fault: Fault }

/** A block that cannot be read does not hide the others; the first such fault is the file's. */
export function inspect(path: string, text: string, still = false): FileView {
  const { blocks, incomplete } = readPem(text, path, still)
  const views = blocks.map(block => view(block, path))
  const isNeither = !blocks.some(block => isCertificate(block) || isPrivate(block))
  const form = isNeither ? formOf({ path, text }, blocks, 'either') : undefined
  const fault =
    incomplete && (!form || blocks.length || form.unknown)
      ? new Fault(
          still ? 'CERTIFICATE_INVALID' : 'PAIR_INCOMPLETE',
          `${path}: ${text.trim() ? 'ends inside a block' : 'is empty'}`,
        )
      : form
        ? new Fault('CERTIFICATE_INVALID', `${path}: ${form.says}`, { advice: form.advice })
        : views.flatMap(one => one.fault ?? [])[0]
  return { path, blocks: views.map(({ fault: _, ...one }) => one), ...(fault && { fault }) }
}

function view(block: Block, path: string): BlockView & { readonly fault?: Fault } {
  const { label } = block
  if (isPrivate(block)) return { label, kind: keyKind(block, path) }
  if (!isCertificate(block)) return { label }
  try {
    const { subject, issuer, names, notBefore, notAfter, sha256, ...certificate } = certificateIn(block, path)
    const { openssl, extensions, unreadable } = certificate
    return {
      label,
      subject,
      issuer,
      names,
      notBefore: notBefore.toISOString(),
      notAfter: notAfter.toISOString(),
      kind: kindOf(() => openssl.publicKey),
      serial: extensions?.serial ?? openssl.serialNumber.toLowerCase(),
      keyId: extensions?.keyId,
      authorityKeyId: extensions?.authorityKeyId,
      keyUsage: extensions?.keyUsage,
      policies: extensions?.policies,
      unreadable: unreadable.length ? unreadable : undefined,
      sha256,
    }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { label, kind: UNREADABLE, fault }
  }
}

const UNREADABLE = 'unreadable'

const keyKind = (block: Block, path: string) =>
  isEncrypted(block) ? 'encrypted' : kindOf(() => openKey(block, path, undefined).object)

/** Of a certificate whose key is of an unknown kind, OpenSSL throws only when asked for the key. */
function kindOf(key: () => KeyObject): string {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key()
    return [type?.toUpperCase() ?? 'unknown', details?.modulusLength ?? details?.namedCurve]
      .filter(Boolean)
      .join(' ')
  } catch {
    return UNREADABLE
  }
}

/** The files taken as one chain and, where one holds a key, its key. */
export function verdictOf(
  files: ReadonlyArray<{ readonly path: string; readonly text: string }>,
  {
    now,
    password,
    still = false,
  }: { readonly now: Date; readonly password: Secret | undefined; readonly still?: boolean },
): InspectionVerdict {
  try {
    const chains = files.filter(({ path, text }) => readPem(text, path).blocks.some(isCertificate))
    const chain = {
      path: (chains.length ? chains : files).map(({ path }) => path).join(' + '),
      text: files.map(({ text }) => text).join('\n'),
    }
    const keyFile = files.find(({ path, text }) => readPem(text, path).blocks.some(isPrivate))
    const bundle: Bundle = parseBundle({ chain, key: keyFile && { ...keyFile, password }, still }, now)
    const invalid = validityFault(bundle, now)
    if (invalid) return { fault: invalid }
    const { fingerprint, chainPem, notes, flaws } = bundle
    return {
      type: bundle.key ? 'SVR' : 'CA',
      fingerprint,
      certificates: chainPem.split('-----BEGIN').length - 1,
      notes: [...flaws, ...notes.filter(isRelevant)],
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const [, ...more] = files
    const last = more.at(-1)
    if (error.code === 'KEY_MISMATCH')
      return { fault: new Fault(error.code, error.message, { advice: MISMATCH_ADVICE }) }
    // a server certificate and no key in any of several files: the last should be the key
    return {
      fault: error.code === 'NOT_A_CA' && last ? keyless(last, readPem(last.text, last.path).blocks) : error,
    }
  }
}

const MISMATCH_ADVICE =
  'Name the key of this certificate. Where a renewal is under way, which changed these files just now, look again in a minute.'

/** Without what leads here. */
const adviceHere = (advice: string) =>
  advice.replace(/^Check the (?:file|chain) with `certferry inspect`; h/, 'H')

/** The files were given together: a key beside the chain is no finding. */
const isRelevant = (note: string) => !note.includes('private key')

export function inspectionText(files: readonly FileView[], verdict: InspectionVerdict, now: Date): string {
  const lines = files.flatMap(({ path, blocks, fault }) => [
    printableText(path, 4096),
    ...blocks.flatMap(block => blockLines(block, now)),
    ...(fault
      ? [
          `  ! ${wrap(printableText(fault.message), WIDTH - 4, 4)}`,
          `    → ${wrap(adviceHere(fault.advice), WIDTH - 6, 6)}`,
        ]
      : []),
    '',
  ])
  const isShown = 'fault' in verdict && files.some(({ fault }) => fault === verdict.fault)
  return `${[...lines, ...(isShown ? ['Would not be uploaded.'] : verdictLines(verdict))].join('\n')}\n`
}

function blockLines(
  { label, subject, issuer, names, notAfter, notBefore, kind, serial, unreadable = [], sha256 }: BlockView,
  now: Date,
): readonly string[] {
  if (!sha256) return [`  ${label}${kind ? `  ${kind}` : ''}`]
  const left = Math.floor((Date.parse(notAfter ?? '') - now.getTime()) / 86_400_000)
  const early = Date.parse(notBefore ?? '') > now.getTime()
  return [
    `  ${label}  ${kind}`,
    `    names    ${fit(names?.join(', '))}`,
    `    subject  ${fit(subject || '(empty)')}`,
    `    issuer   ${fit(issuer)}`,
    `    valid    ${notBefore?.slice(0, 10)} to ${notAfter?.slice(0, 10)} (${left < 0 ? 'expired' : early ? 'not valid yet' : `${left} days left`})`,
    `    serial   ${serial}`,
    `    sha256   ${sha256}`,
    ...unreadable.map(what => `    ! the ${what} cannot be read`),
  ]
}

/** Characters in a line; a path may have more. */
const WIDTH = 78

const fit = (text = '') => wrap(text, WIDTH - 13, 13)

function verdictLines(verdict: InspectionVerdict): readonly string[] {
  if ('fault' in verdict)
    return [
      wrap(`Would not be uploaded: ${printableText(verdict.fault.message, 1000)}`, WIDTH, 2),
      `  → ${wrap(adviceHere(verdict.fault.advice), WIDTH - 4, 4)}`,
    ]
  const { type, certificates, fingerprint, notes } = verdict
  const what = type === 'SVR' ? 'The key fits' : 'No key: a CA certificate'
  const sent = `${certificates} certificate${certificates === 1 ? '' : 's'} would be sent`
  return [
    `${what}; ${sent}, as ${type}.`,
    ...notes.map(note => `  ${wrap(printableText(note, 1000), WIDTH - 2, 2)}`),
    `fingerprint ${fingerprint}`,
  ]
}
