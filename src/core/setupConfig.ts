/** The configuration file's text with what setup was told, and everything else in it as it was. Pure. */
import type { Config } from './config.ts'

export interface Wanted {
  /** Undefined where the default serves. */
  readonly endpoint: string | undefined
  /** Sources to be looked at and no others; empty where the usual places serve. */
  readonly sources: ReadonlyArray<{ readonly kind: string; readonly path: string }>
}

/** Only what is not in force yet is written: a second setup changes nothing. */
export function withWanted(text: string, now: Config, { endpoint, sources }: Wanted): string {
  const missing = sources.filter(
    ({ kind, path }) => !now.source?.some(one => one.kind === kind && one.path === path),
  )
  const told = endpoint !== undefined && now.tencent?.endpoint !== endpoint
  const blocks = missing.map(
    ({ kind, path }) => `\n[[source]]\nkind = ${quoted(kind)}\npath = ${quoted(path)}\n`,
  )
  const begun = told ? withEndpoint(text, endpoint) : text
  return blocks.length ? `${begun.replace(/\n*$/, '\n')}${blocks.join('')}` : begun
}

/** In its place where there is one, commented out or not: a table must not stand twice in TOML. */
function withEndpoint(text: string, endpoint: string): string {
  const line = `endpoint = ${quoted(endpoint)}`
  if (/^#?endpoint = .*$/m.test(text)) return text.replace(/^#?endpoint = .*$/m, () => line)
  if (/^\[tencent\]$/m.test(text)) return text.replace(/^\[tencent\]$/m, () => `[tencent]\n${line}`)
  return `${text ? text.replace(/\n*$/, '\n\n') : ''}[tencent]\n${line}\n`
}

/** A basic string of TOML and of JSON are the same for what may stand in a path or a URL. */
const quoted = (text: string) => JSON.stringify(text)
