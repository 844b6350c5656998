/** The outer form of DER (X.690): which elements stand in a row, and what each holds. Pure. */

export interface Element {
  readonly tag: number
  readonly content: Buffer
}

/** Nothing we read is larger, and a number of more bytes than these is none to count with. */
const LONGEST_LENGTH = 6

/**
 * The elements that the bytes consist of, or undefined where they do not. Lengths may take more bytes than they need, as
 * OpenSSL allows; a length that is left open (BER) is not read: no maker of keys writes one.
 */
export function elementsIn(bytes: Buffer): readonly Element[] | undefined {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const { from, to } = extentAt(bytes, at)
    if (to > bytes.length) return undefined
    elements.push({ tag: bytes[at] ?? 0, content: bytes.subarray(from, to) })
    at = to
  }
  return elements
}

/** The element that the bytes begin with, as it stands; undefined where they begin with none. */
export function firstElement(bytes: Buffer): Buffer | undefined {
  const { to } = extentAt(bytes, 0)
  return to <= bytes.length ? bytes.subarray(0, to) : undefined
}

const NONE = { from: 0, to: Number.POSITIVE_INFINITY }

function extentAt(bytes: Buffer, at: number): { readonly from: number; readonly to: number } {
  const tag = bytes[at] ?? 0
  const first = bytes[at + 1]
  // tags of several bytes are of no use in keys
  if (first === undefined || (tag & 0x1f) === 0x1f) return NONE
  if (first < 0x80) return { from: at + 2, to: at + 2 + first }
  const size = first & 0x7f
  const from = at + 2 + size
  if (size === 0 || size > 126 || from > bytes.length) return NONE
  const digits = bytes
    .subarray(at + 2, from)
    .toString('hex')
    .replace(/^(00)+/, '')
  return digits.length > LONGEST_LENGTH * 2 ? NONE : { from, to: from + Number.parseInt(digits || '0', 16) }
}

/** An element as DER has it, its length in the fewest bytes. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const hex = length.toString(16)
  const size = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.of(tag, 0x80 | size.length), size, content])
}
