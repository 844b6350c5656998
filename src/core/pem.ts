/** PEM text in and out (RFC 7468, read leniently, written strictly). Pure. */
import { Fault } from './fault.ts'

export interface Block {
  readonly label: string
  /** The block as it stood, for encrypted keys: legacy encryption puts headers before the base64. */
  readonly text: string
  readonly der: () => Buffer
}

export interface Pem {
  readonly blocks: readonly Block[]
  /** The text ends inside a block, or holds nothing yet: somebody is still writing. */
  readonly incomplete: boolean
}

/** A body never holds five dashes, so a block that was cut off cannot swallow the one after it. */
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----((?:(?!-----)[\s\S])*)-----END \1-----/g
/** A block begun and not ended, or the first characters of one; a ruled line of more dashes is text like any other. */
const CUT_OFF = /-----BEGIN|(?<!-)-{1,5}(?:B(?:E(?:G(?:I(?:N)?)?)?)?)?$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Text around blocks, a byte order mark and CR LF are nobody's business; they are not sent on. */
export function readPem(text: string, file: string): Pem {
  const matches = [...text.matchAll(BLOCK)]
  const rest = text.replace(BLOCK, '').trimEnd()
  return {
    blocks: matches.map(([block, label = '', body = '']) => ({
      label,
      text: `${block}\n`,
      der: () => decode(body, label, file),
    })),
    incomplete: CUT_OFF.test(rest) || (matches.length === 0 && rest.trim() === ''),
  }
}

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
