/** The server name in the first bytes that a TLS client sends. Pure. */

const HANDSHAKE = 0x16

const RECORD_HEADER = 5

/** Whether the first record is all there. What is no TLS is never. */
export const isComplete = (bytes: Buffer): boolean =>
  bytes.length >= RECORD_HEADER &&
  (bytes[0] !== HANDSHAKE || bytes.length >= RECORD_HEADER + bytes.readUInt16BE(3))

/** undefined if the client names none, or does not speak TLS. RFC 8446, section 4.1.2; RFC 6066, section 3. */
export function serverNameIn(bytes: Buffer): string | undefined {
  if (bytes[0] !== HANDSHAKE) return undefined
  try {
    let at = RECORD_HEADER + 4 + 2 + 32 // the record, the message's header, version and random
    at += 1 + bytes.readUInt8(at) // session
    at += 2 + bytes.readUInt16BE(at) // cipher suites
    at += 1 + bytes.readUInt8(at) // compression
    const end = at + 2 + bytes.readUInt16BE(at)
    at += 2
    while (at < Math.min(end, bytes.length)) {
      const length = bytes.readUInt16BE(at + 2)
      const after = at + 4 + length
      // a list with one element: its length, the kind of name, the name's length, the name
      if (bytes.readUInt16BE(at) === 0)
        return after > bytes.length ? undefined : bytes.toString('ascii', at + 9, after)
      at = after
    }
  } catch {
    // shorter than it says
  }
  return undefined
}
