/**
 * What was sent, cut out of what comes back: a gateway may quote a request in its message, and messages go to the log.
 * Whoever answers on purpose in another form cannot be stopped, and needs no log of ours: it has been sent it all. Pure.
 */
import { MASK } from './secret.ts'

/** Shorter lines and passwords are like other words, and cutting those out would leave a message unreadable. */
const SHORTEST = 8

const isLongEnough = (line: string) => line.length >= SHORTEST && !line.startsWith('-----')

/** The members of a request that nobody else should see: the private key, line by line, and its password. */
export function secretsOf(body: string): readonly string[] {
  const { CertificatePrivateKey: key, KeyPassword: password } = JSON.parse(body) as Record<string, unknown>
  return [...String(key ?? '').split('\n'), String(password ?? '')]
}

export const redactSent =
  (sent: readonly string[]) =>
  (text: string): string =>
    sent.filter(isLongEnough).reduce((left, line) => left.replaceAll(line, MASK), text)
