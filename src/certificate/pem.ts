/** PEM text in and out (RFC 7468, read leniently, written strictly). Pure. */
import { Fault } from '../errors.ts'

export interface Block {
  readonly label: string
  /** The block as it stood, for encrypted keys: legacy encryption puts headers before the base64. */
  readonly text: string
  readonly der: () => Buffer
}

interface Pem {
  readonly blocks: readonly Block[]
  /** The text ends inside a block, or holds nothing yet: it may still be written. */
  readonly incomplete: boolean
}

export const isPrivate = ({ label }: Pick<Block, 'label'>) => label.endsWith('PRIVATE KEY')

/** OpenSSL's own form: what the certificate is trusted for stands behind it. */
export const TRUSTED = 'TRUSTED CERTIFICATE'

export const isCertificate = ({ label }: Pick<Block, 'label'>) =>
  label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === TRUSTED

/** RFC 7468, 3: any printable characters. OpenSSL itself writes "X9.42 DH PARAMETERS". */
const LABEL = '(?:(?!-----)[ -~]){0,64}'

/** A marker stands at the beginning of a line, or behind the end of another block where a newline was lost. */
const START = String.raw`(?:^|[\r\n]|-----|\0)[ \t\ufeff]*`

/** A body never holds five dashes, so a block that was cut off cannot swallow the one after it. */
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

/** What may be the first characters of one: a ruled line of more dashes is text like any other. */
const DASHES = /(?:^|[\r\n]|\0)[ \t\ufeff]*-{1,5}$/

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Text around blocks, a byte order mark and CR LF are nobody's business; they are not sent on. `still`: nobody has written
 * the file for long, so that dashes at its end are text, such as YAML's, and no line that is being written.
 */
export function readPem(text: string, file: string, still = false): Pem {
  const blocks: Block[] = []
  const rest = text.replace(BLOCK, (all, _indent, block: string, label: string, body: string) => {
    if (!isBody(body)) return all
    blocks.push({ label, text: `${block}\n`, der: () => decode(body, label, file) })
    return '\0'
  })
  const cutOff = UNENDED.test(rest) || BEGUN.test(rest) || (!still && DASHES.test(rest))
  return { blocks, incomplete: cutOff || (blocks.length === 0 && rest.replace(/^\ufeff/, '').trim() === '') }
}

/** A marker that something follows on its line begins a block only where that is base64: others speak of markers. */
const isBody = (body: string) => /^[ \t]*[\r\n]/.test(body) || isBase64(body.replace(/\s+/g, ''))

const isBase64 = (text: string) => text.length % 4 === 0 && BASE64.test(text)

function decode(body: string, label: string, file: string): Buffer {
  const base64 = body.replace(/\s+/g, '')
  if (!BASE64.test(base64))
    throw new Fault('CERTIFICATE_INVALID', `${file}: a ${label} block holds something other than base64`)
  return Buffer.from(base64, 'base64')
}

/** 64 characters a line, LF, one newline at the end and no blank line: the form every reader takes. */
export const writePem = (label: string, der: Uint8Array): string =>
  [
    `-----BEGIN ${label}-----`,
    ...(Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []),
    `-----END ${label}-----`,
    '',
  ].join('\n')
