/** Encrypted PKCS#8 keys that ask for any amount of work, and hold nothing: only their outside is ever true. */
import { Buffer } from 'node:buffer'
import { integer, octets, oid, pem, sequence } from './der.ts'

const SALT = octets(Buffer.alloc(8, 1))
const AES_256 = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(Buffer.alloc(16, 1)))

const locked = (algorithm: Buffer) =>
  pem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octets(Buffer.alloc(48, 3))))

/** RFC 8018, 6.2. */
const pbes2 = (derivation: Buffer) =>
  locked(sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, AES_256)))

export const pbkdf2 = (rounds: bigint | number) =>
  pbes2(sequence(oid('1.2.840.113549.1.5.12'), sequence(SALT, integer(rounds))))

/** RFC 7914, 7. */
export const scrypt = (n: number, r: number, p: number) =>
  pbes2(sequence(oid('1.3.6.1.4.1.11591.4.11'), sequence(SALT, integer(n), integer(r), integer(p))))

/** RFC 7292, appendix C: by SHA-1 and triple DES. */
export const pkcs12 = (rounds: bigint | number) =>
  locked(sequence(oid('1.2.840.113549.1.12.1.3'), sequence(SALT, integer(rounds))))
