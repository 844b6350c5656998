/** Which certificate and which key a text holds, told without the program under test. */
import { createHash, createPrivateKey } from 'node:crypto'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g

/** The DER of every whole block. */
export const certificatesIn = (text: string): readonly Buffer[] =>
  [...text.matchAll(CERTIFICATE)].map(([, base64 = '']) => Buffer.from(base64, 'base64'))

/** The same for the same chain and key, however either is written. */
export function identityOf({ chain, key }: { readonly chain: string; readonly key: string }): string {
  const hash = createHash('sha256')
  for (const der of certificatesIn(chain)) hash.update(der)
  hash.update(createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }))
  return hash.digest('hex')
}
