/** Values that settings may have, and what is wrong with a value. Pure. */
import { FOLDER_KINDS } from '../acme/clients.ts'
import { choiceProblem } from '../util/similar.ts'

/** Keys of tables, and places in lists counted from 0. */
export type KeyPath = ReadonlyArray<string | number>

/** `state-dir` → `stateDir` */
export type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name

export const camelCase = (name: string): string =>
  name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** Counted from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Where a key stands in the file; where it is missing, the nearest table around it; undefined for neither. */
export type PositionOf = (path: KeyPath) => Position | undefined

export interface Problem {
  /** As a person writes it: `source[2].path`; `file` for the whole, empty where the text is no TOML. */
  readonly key: string
  readonly position: Position | undefined
  /** What is wrong, and what is allowed; never the value, which could be a secret in the wrong place. */
  readonly says: string
}

export function problemText({ key, position, says }: Problem): string {
  const place = position && `line ${position.line}, column ${position.column}`
  return [place, key, says].filter(Boolean).join(': ')
}

const FIELDS = ['name', 'domain', 'notAfter'] as const

export type Field = (typeof FIELDS)[number]

/** In characters. No limit is documented; the console cuts long aliases. */
export const LONGEST = 200

export const PLACE = /\{([^{}]*)\}/g

export const DEFAULT_ALIAS = '{name} {notAfter}'

/** What is wrong with a template, or nothing. */
export function aliasProblem(template: string): string | undefined {
  const unknown = [...template.matchAll(PLACE)]
    .map(match => match[1] ?? '')
    .filter(field => !FIELDS.includes(field as Field))
  if (unknown.length) return `unknown field {${unknown[0]}}: the fields are {name}, {domain} and {notAfter}`
  if ([...template].length > LONGEST) return `expected at most ${LONGEST} characters`
  return undefined
}

export const DEFAULT_ENDPOINT = 'https://ssl.tencentcloudapi.com'

/** Tencent Cloud's two sites: an account is on one of them. */
export const SITES = {
  mainland: DEFAULT_ENDPOINT,
  international: 'https://ssl.intl.tencentcloudapi.com',
} as const

export type Site = keyof typeof SITES

export const siteProblem = (text: string): string | undefined =>
  Object.hasOwn(SITES, text) ? undefined : choiceProblem(text, Object.keys(SITES))

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

export const isLoopback = (url: URL) => LOOPBACK.test(url.hostname)

/** What is wrong with an endpoint, or nothing. Plain http would show the signature and the private key to the network. */
export function endpointProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'expected a URL such as "https://ssl.tencentcloudapi.com"'
  if (url.protocol === 'http:' && !isLoopback(url))
    return 'http:// is refused except to this machine itself: use https://'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'expected an https:// URL'
  if (url.username || url.password) return 'expected no user name or password in the URL'
  if (url.pathname !== '/' || url.search || url.hash)
    return 'expected only scheme and host: the service lives at /'
  return undefined
}

export function proxyProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return 'expected a URL such as "http://proxy.example.com:3128"'
  return undefined
}

/** The webhook's URL is a secret: it requires HTTPS. */
export function webhookProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'expected one URL'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return 'expected an https:// URL; http:// only to this machine itself'
}

/**
 * uploaded: a certificate has a new ID · rejected: this certificate will not be uploaded as it is · uploads_paused: a fault of
 * the account or the state directory stops all uploads · failing: an upload has failed for a day · renewal_overdue: a
 * certificate was not renewed in time · replaced: no older ID is bound any more · replacement_failed: an older ID stays bound
 * until a person acts · edge_stale: an older certificate is served although no resource uses it
 */
export const NOTIFY_EVENTS = [
  ...['uploaded', 'rejected', 'uploads_paused', 'failing', 'renewal_overdue'],
  ...['replaced', 'replacement_failed', 'edge_stale'],
] as const

/** Former names of events. */
export const RENAMED_EVENTS: ReadonlyMap<unknown, string> = new Map([
  ['stopped', 'uploads_paused'],
  ['expiring', 'renewal_overdue'],
])

export type NotifyEvent = (typeof NOTIFY_EVENTS)[number]

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** `localhost` is not resolved: a hosts file could make it mean another machine. */
const HOSTS: Readonly<Record<string, string>> = {
  '127.0.0.1': '127.0.0.1',
  localhost: '127.0.0.1',
  '[::1]': '::1',
}

/** sun_path of unix(7) holds 108 bytes with its final zero. */
const LONGEST_PATH = 107

/** What is wrong with a value of `[http] listen`, or nothing. */
export function listenProblem(text: string): string | undefined {
  if (text.startsWith('unix:')) return pathProblem(text.slice('unix:'.length))
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  if (!port) return 'expected "127.0.0.1:PORT", "[::1]:PORT", "localhost:PORT" or "unix:/path/to/socket"'
  if (!Object.hasOwn(HOSTS, host))
    return 'only this machine itself may ask: expected 127.0.0.1, [::1], localhost or a Unix socket'
  return Number(port) > 65_535 ? 'expected a port from 0 to 65535' : undefined
}

const isControl = (letter: string) => letter < ' ' || (letter >= '\u007f' && letter <= '\u009f')

function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/') || path.endsWith('/'))
    return 'expected an absolute path, such as "unix:/run/certferry/http.sock"'
  if ([...path].some(isControl)) return 'expected a path without control characters'
  return Buffer.byteLength(path) > LONGEST_PATH
    ? `expected a path of at most ${LONGEST_PATH} bytes`
    : undefined
}

/** The address in a text that has no problem. */
export function listenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) }
  const colon = text.lastIndexOf(':')
  return { host: HOSTS[text.slice(0, colon)] ?? '127.0.0.1', port: Number(text.slice(colon + 1)) }
}

const PLACES = ['text', 'event', 'host', 'count'] as const

type Words = Readonly<Record<(typeof PLACES)[number], string>>

const PLACEHOLDER = /\{(text|event|host|count)\}/g

/** Each value is escaped for a JSON string, so that none can end it. */
export const fillTemplate = (template: string, words: Words): string =>
  template.replace(PLACEHOLDER, (_, name: keyof Words) => JSON.stringify(words[name]).slice(1, -1))

/** What is wrong with a template, or nothing. */
export function templateProblem(template: string): string | undefined {
  try {
    JSON.parse(fillTemplate(template, { text: 'a "b"\n', event: 'uploaded', host: 'a', count: '1' }))
    return undefined
  } catch {
    return 'expected JSON with {text} inside a string, such as {"text":"{text}"}'
  }
}

/** Chats whose robots are known: what they are sent, and what they answer. */
export const PRESETS = ['wecom', 'dingtalk', 'feishu', 'slack'] as const

export type Preset = (typeof PRESETS)[number]

/** What is wrong with the address of `[notify] mail`, or nothing. It stands in a header, so it is plain. */
export const mailProblem = (text: string): string | undefined =>
  /^[\w.+=][\w.+=-]{0,63}(@[a-z0-9][a-z0-9.-]{0,252})?$/i.test(text)
    ? undefined
    : 'expected one address, such as "ops@example.com", or a user of this machine, such as "root"'

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export const LOG_FORMATS = ['text', 'json'] as const

export const formatProblem = (text: string): string | undefined =>
  LOG_FORMATS.includes(text as LogFormat) ? undefined : choiceProblem(text, LOG_FORMATS)

export type LogFormat = (typeof LOG_FORMATS)[number]

export const LANGUAGES = ['en-US', 'zh-CN'] as const

export const TYPES = ['SVR', 'CA'] as const

export const KINDS = [...FOLDER_KINDS, 'pem'] as const

export type Level = (typeof LEVELS)[number]

export const levelProblem = (text: string): string | undefined =>
  LEVELS.includes(text as Level) ? undefined : choiceProblem(text, LEVELS)

export type SourceKind = (typeof KINDS)[number]

/** Requests per second. No account is allowed more than the maximum. */
export const RATE = { min: 0.1, max: 1_000, default: 10 } as const

/** What is wrong with the path of a textfile, or nothing. */
export const textfileProblem = (path: string): string | undefined =>
  /[^/]\.prom$/.test(path) ? undefined : 'expected a path that ends in ".prom": node_exporter reads no other'
