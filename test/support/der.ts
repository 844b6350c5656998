/** A pen for DER that writes whatever it is told, wrong as well as right: what libraries refuse to make. */
import { Buffer } from 'node:buffer'

/** The shortest length that says it (X.690, 10.1). */
export function lengthOf(size: number): Buffer {
  if (size < 0x80) return Buffer.of(size)
  const hex = size.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes])
}

export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.of(tag), lengthOf(size), ...parts])
}

export const sequence = (...parts: readonly Uint8Array[]) => element(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]) => element(0x31, ...parts)
export const octets = (...parts: readonly Uint8Array[]) => element(0x04, ...parts)
export const bits = (...parts: readonly Uint8Array[]) => element(0x03, Buffer.of(0), ...parts)
export const boolean = (value: boolean) => element(0x01, Buffer.of(value ? 0xff : 0))
export const nothing = () => element(0x05)
/** `[n]` around whole elements. */
export const tagged = (n: number, ...parts: readonly Uint8Array[]) => element(0xa0 | n, ...parts)
export const utf8 = (text: string) => element(0x0c, Buffer.from(text))

/** Bytes as they are, two's complement: what begins with 8 to f is negative. */
export const rawInteger = (bytes: Uint8Array) => element(0x02, bytes)

/** Never negative. */
export function integer(value: bigint | number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return rawInteger((bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes)
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, ...[first * 40 + second, ...rest].map(base128))
}

function base128(value: number): Buffer {
  const digits = [value % 128]
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128))
    digits.unshift((left % 128) | 0x80)
  return Buffer.from(digits)
}

/** UTCTime for the years it can say, GeneralizedTime for all others (RFC 5280, 4.1.2.5). */
export function time(iso: string): Buffer {
  const digits = `${iso.slice(0, 19).replace(/[-T:]/g, '')}Z`
  const year = Number(iso.slice(0, 4))
  return year >= 1950 && year < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits))
}

/** The same element with its length said in more bytes than it takes, or in none: `80` and two zeros at the end. */
export function inOtherForm(der: Buffer, form: 'long' | 'indefinite'): Buffer {
  const header = (der[1] ?? 0) < 0x80 ? 2 : 2 + ((der[1] ?? 0) & 0x7f)
  const content = der.subarray(header)
  const tag = der.subarray(0, 1)
  if (form === 'indefinite') return Buffer.concat([tag, Buffer.of(0x80), content, Buffer.alloc(2)])
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(content.length))
  return Buffer.concat([tag, Buffer.of(0x88), size, content])
}

export const pem = (label: string, der: Uint8Array): string => {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)
  return `-----BEGIN ${label}-----\n${(lines ?? []).join('\n')}\n-----END ${label}-----\n`
}
