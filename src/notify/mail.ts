/** A message as a mail: RFC 5322, for the standard input of sendmail. Pure. */
import type { Message } from './message.ts'

/**
 * sendmail adds From, Message-ID and the envelope's sender, as its own configuration says (RFC 6409, 8): a relay refuses a
 * sender that it does not know. Lines end with LF, as all sendmail programs on Unix expect.
 */
export function mailOf({ text, event }: Message, to: string, now: Date): string {
  const [subject = ''] = text.split('\n')
  const headers = [
    `To: ${to}`,
    `Subject: ${unstructured(subject)}`,
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `X-Certferry-Event: ${event}`,
    // RFC 3834: no reply from a person on holiday
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
  ]
  return `${headers.join('\n')}\n\n${quotedPrintable(text)}\n`
}

/** Bytes of UTF-8 in one encoded word, which has at most 75 characters (RFC 2047). */
const ENCODED_BYTES = 45

/** A header's text. Whatever is not printable ASCII is encoded, a line break too: no text can add a header. */
function unstructured(text: string): string {
  if (/^[ -~]*$/.test(text) && !text.includes('=?')) return text
  const words = ['']
  for (const character of text) {
    const last = words.at(-1) ?? ''
    if (Buffer.byteLength(last + character) > ENCODED_BYTES) words.push(character)
    else words[words.length - 1] = last + character
  }
  return words.map(word => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\n ')
}

/** Of an encoded line, without the sign that it goes on. */
const LINE = 75

/** RFC 2045, 6.7. */
function quotedPrintable(text: string): string {
  const encodedLine = (line: string) => {
    const lines = ['']
    for (const character of line) {
      const isPlain = /^[ -<>-~]$/.test(character)
      const bytes = isPlain ? [character] : Array.from(Buffer.from(character), escapedByte)
      for (const part of bytes) {
        const last = lines.at(-1) ?? ''
        if (last.length + part.length > LINE) lines.push(part)
        else lines[lines.length - 1] = last + part
      }
    }
    // a blank at the end of a line is lost on the way
    return lines.join('=\n').replace(/ $/, '=20')
  }
  return text.split('\n').map(encodedLine).join('\n')
}

const escapedByte = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
