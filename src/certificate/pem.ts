/** PEM text in and out (RFC 7468, read leniently, written strictly). Pure. */
import { Fault } from '../errors.ts'

export interface Block {
  readonly label: string
  /** The whole block, for encrypted keys: legacy encryption puts headers before the base64. */
  readonly text: string
  readonly der: () => Buffer
}

interface Pem {
  readonly blocks: readonly Block[]
  /** The text ends inside a block, or is empty: it may still be written. */
  readonly incomplete: boolean
}

export const isPrivate = ({ label }: Pick<Block, 'label'>) => label.endsWith('PRIVATE KEY')

/** OpenSSL's own form: what the certificate is trusted for follows it. */
export const TRUSTED = 'TRUSTED CERTIFICATE'

export const isCertificate = ({ label }: Pick<Block, 'label'>) =>
  label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === TRUSTED

/** RFC 7468, 3: any printable characters. OpenSSL itself writes "X9.42 DH PARAMETERS". */
const LABEL = '(?:(?!-----)[ -~]){0,64}'

/** A marker begins a line, or follows the end of another block where a newline was lost. */
const START = String.raw`(?:^|[\r\n]|-----|\0)[ \t\ufeff]*`

/** A body never holds five dashes, so that a block cut off does not take in the next one. */
const BLOCK = new RegExp(
  String.raw`(?<=^|[\r\n]|-----)([ \t\ufeff]*)(-----BEGIN (${LABEL})-----((?:(?!-----)[\s\S])*)-----END \3-----)`,
  'g',
)

/** Its end is missing: after its first line, or after base64 on that line. */
const UNENDED = new RegExp(String.raw`${START}-----BEGIN ${LABEL}-----(?:[ \t]*[\r\n]|[A-Za-z0-9+/=\s]*$)`)

/** Its first line is cut short. */
const BEGUN = new RegExp(
  String.raw`(?:^|[\r\n]|\0)[ \t\ufeff]*-----B(?:E(?:G(?:I(?:N(?: ${LABEL}-{0,4})?)?)?)?)?$`,
)

/** The first characters of a marker; a line of more dashes is text. */
const DASHES = /(?:^|[\r\n]|\0)[ \t\ufeff]*-{1,5}$/

export const isZip = (text: string) => text.startsWith('PK\x03\x04')

export const isTar = (text: string) => text.startsWith('ustar', 257)

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Text around blocks, a byte order mark and CR LF are ignored. `still`: the file has not been written for a minute, so
 * dashes at its end are text, such as YAML's, and not a line being written.
 */
export function readPem(text: string, file: string, still = false): Pem {
  // files in an archive are not looked for
  if (isZip(text) || isTar(text)) return { blocks: [], incomplete: false }
  const blocks: Block[] = []
  const rest = text.replace(BLOCK, (all, _indent, block: string, label: string, body: string) => {
    if (!isBody(body)) return all
    blocks.push({ label, text: `${block}\n`, der: () => decode(body, label, file) })
    return '\0'
  })
  const cutOff = UNENDED.test(rest) || BEGUN.test(rest) || (!still && DASHES.test(rest))
  return { blocks, incomplete: cutOff || (blocks.length === 0 && rest.replace(/^\ufeff/, '').trim() === '') }
}

/** Text after a marker on its line must be base64: other text only mentions a marker. */
const isBody = (body: string) => /^[ \t]*[\r\n]/.test(body) || isBase64(body.replace(/\s+/g, ''))

const isBase64 = (text: string) => text.length % 4 === 0 && BASE64.test(text)

function decode(body: string, label: string, file: string): Buffer {
  const base64 = body.replace(/\s+/g, '')
  if (!BASE64.test(base64))
    throw new Fault('CERTIFICATE_INVALID', `${file}: a ${label} block holds something other than base64`)
  return Buffer.from(base64, 'base64')
}

/** 64 characters a line, LF, one newline at the end and no blank line: every reader accepts this form. */
export const writePem = (label: string, der: Uint8Array): string =>
  [
    `-----BEGIN ${label}-----`,
    ...(Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []),
    `-----END ${label}-----`,
    '',
  ].join('\n')
