/** Private keys that are DER of the right form and not right: what OpenSSL opens and never finishes with. */
import { createCipheriv, pbkdf2Sync } from 'node:crypto'
import { element, integer, octets, oid, pem, rawInteger, sequence } from './der.ts'

/** On SM2's curve, one less than its number of points: OpenSSL's signing divides by zero and tries again for ever. */
export function sm2OfLastNumber(): string {
  const number = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122n
  const secret = octets(Buffer.from(number.toString(16), 'hex'))
  const algorithm = sequence(oid('1.2.840.10045.2.1'), oid('1.2.156.10197.1.301'))
  return pem('PRIVATE KEY', sequence(integer(0), algorithm, octets(sequence(integer(1), secret))))
}

/** Its modulus has so many bytes that OpenSSL takes seconds to open it. */
export function longDsa(bytes = 3_000): Buffer {
  const prime = (size: number) => rawInteger(Buffer.alloc(size, 0x5b))
  const algorithm = sequence(
    oid('1.2.840.10040.4.1'),
    sequence(prime(bytes), integer(0xfffffb), prime(bytes)),
  )
  return sequence(integer(0), algorithm, octets(prime(bytes)))
}

/** PKCS#8 encrypted with AES by a password. */
export function lockedWith(password: string, der: Buffer): string {
  const [salt, iv] = [Buffer.alloc(8, 1), Buffer.alloc(16, 1)]
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, 2048, 32, 'sha1'), iv)
  const data = Buffer.concat([cipher.update(der), cipher.final()])
  const derivation = sequence(oid('1.2.840.113549.1.5.12'), sequence(octets(salt), integer(2048)))
  const aes = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(iv))
  const scheme = sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, aes))
  return pem('ENCRYPTED PRIVATE KEY', sequence(scheme, element(0x04, data)))
}
