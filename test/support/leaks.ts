/** Searches what a program said, wrote or handed on for what must stay: keys, secrets and tokens. */
import { Buffer } from 'node:buffer'

/** What one kept thing looks like when it gets out: as it is, as base64, as hex, as a URL has it. */
function guises(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('hex'),
    encodeURIComponent(secret),
  ]
}

/** Any whole line of a key's base64 would do to tell that the key got out. */
const linesOf = (pem: string) =>
  pem.split('\n').filter(line => line.length >= 20 && !line.startsWith('-----'))

/** The kept things that stand in the text, PEM keys line by line; empty when nothing got out. */
export function leaksIn(
  text: string,
  kept: { readonly keys: readonly string[]; readonly secrets: readonly string[] },
) {
  const lines = kept.keys.flatMap(linesOf)
  const looks = [...kept.secrets.flatMap(guises), ...lines, 'PRIVATE KEY-----']
  return looks.filter(look => text.includes(look))
}
