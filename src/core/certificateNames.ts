/** The names in a certificate, out of the text that OpenSSL makes of them. Pure. */

/**
 * Node quotes, as JSON strings, all values that hold a comma, a quote or anything not printable (CVE-2021-44532): what
 * stands unquoted ends at the next comma, and a name cannot pretend to be two.
 */
const ALTERNATIVE = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g

/** DNS names and IP addresses, in their order. */
export function alternativeNames(text: string | undefined): readonly string[] {
  return Array.from((text ?? '').matchAll(ALTERNATIVE)).flatMap(([, kind, value = '']) => {
    if (kind === 'DNS') return [value.startsWith('"') ? unquoted(value) : value]
    return kind === 'IP Address' ? [addressOf(value)] : []
  })
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}

/** IPv6 as everybody writes it: OpenSSL shortens nothing and writes capitals. */
const addressOf = (text: string) => URL.parse(`http://[${text}]`)?.hostname.slice(1, -1) ?? text

/** One attribute stands on each line, or several with a plus between them; a plus in a value is escaped. */
const COMMON_NAME = /(?:^| \+ )CN=((?:\\.|[^\\\n])*?)(?= \+ |$)/gm

/** Of the subject as OpenSSL writes it, without the escapes of RFC 2253. */
export const commonNames = (subject: string): readonly string[] =>
  Array.from(subject.matchAll(COMMON_NAME), ([, name = '']) => unescaped(name))

const unescaped = (text: string) =>
  text.replace(/\\([0-9A-F]{2}|.)/gs, (_, mark: string) =>
    mark.length === 2 ? String.fromCharCode(Number.parseInt(mark, 16)) : mark,
  )
