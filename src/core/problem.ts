/** What is wrong with a configuration, and where. Pure. */
import type { Config } from './config.ts'

export interface Problem {
  /** As a person writes it: `source[2].path`; `file` for the whole, empty where the text is no TOML. */
  readonly key: string
  readonly line: number | undefined
  /** Only where the text is no TOML. */
  readonly column?: number
  /** What is wrong, and what is allowed; never the value, which could be a secret in the wrong place. */
  readonly says: string
}

/** Either the configuration, or everything wrong with a parsed file and what is left of it without that. */
export type ConfigReading =
  | { readonly config: Config }
  | { readonly problems: readonly Problem[]; readonly rest: Config }

/** One line that a person can act on. */
export function problemText({ key, line, column, says }: Problem): string {
  const place =
    line === undefined ? [] : [column === undefined ? `line ${line}` : `line ${line}, column ${column}`]
  return [...place, ...(key ? [key] : []), says].join(': ')
}
