/** The settings of [deploy], each also for one source or certificate. Pure. */

export const RETIREMENTS = ['keep', 'silence', 'delete'] as const

export type Retirement = (typeof RETIREMENTS)[number]

/** As they stand in the file. */
export interface DeployKeys {
  readonly replace?: boolean | undefined
  readonly replaces?: readonly string[] | undefined
  readonly verify?: boolean | readonly string[] | undefined
  readonly types?: readonly string[] | undefined
  readonly except?: readonly string[] | undefined
  readonly allow_uncovered?: boolean | undefined
  readonly allow_untrusted?: boolean | undefined
  readonly retire?: Retirement | undefined
  readonly grace_days?: number | undefined
  readonly keep?: number | undefined
}

/** What becomes of a lineage's older certificate IDs. */
export interface DeploySettings {
  readonly replace: boolean
  /** IDs that were bound before certferry came. */
  readonly replaces: readonly string[]
  readonly verify: boolean
  /** Names to ask beside those of the resources. */
  readonly probes: readonly Probe[]
  /** Products that are replaced; all where it is undefined. */
  readonly types: readonly string[] | undefined
  readonly except: readonly string[]
  readonly allowUncovered: boolean
  readonly allowUntrusted: boolean
  readonly retire: Retirement
  /** How long a superseded certificate is kept before it is deleted. */
  readonly graceDays: number
  /** How many of the newest superseded certificates are never deleted. */
  readonly keep: number
}

export const DEPLOY_DEFAULTS = {
  replace: false,
  verify: true,
  allow_uncovered: false,
  allow_untrusted: false,
  retire: 'keep',
  grace_days: 14,
  keep: 1,
} as const

export const deploySettings = (keys: DeployKeys): DeploySettings => ({
  replace: keys.replace ?? DEPLOY_DEFAULTS.replace,
  replaces: keys.replaces ?? [],
  verify: keys.verify !== false,
  probes: Array.isArray(keys.verify) ? keys.verify.flatMap(text => parseProbe(text) ?? []) : [],
  types: keys.types,
  except: keys.except ?? [],
  allowUncovered: keys.allow_uncovered ?? DEPLOY_DEFAULTS.allow_uncovered,
  allowUntrusted: keys.allow_untrusted ?? DEPLOY_DEFAULTS.allow_untrusted,
  retire: keys.retire ?? DEPLOY_DEFAULTS.retire,
  graceDays: keys.grace_days ?? DEPLOY_DEFAULTS.grace_days,
  keep: keys.keep ?? DEPLOY_DEFAULTS.keep,
})

export const isReplaced = ({ types, except }: DeploySettings, type: string): boolean =>
  (types === undefined || types.includes(type)) && !except.includes(type)

/** One name to ask: at every address it leads to, or at one. */
export interface Probe {
  readonly name: string
  readonly port: number
  /** Asked in place of the name's own addresses. */
  readonly address?: string
  /** Not a name of a resource: it is left out where it leads nowhere. */
  readonly isGuess?: boolean
}

/** `host`, `host:port`, `host@address`, `host@address:port`; undefined where it is none of these. */
export function parseProbe(text: string): Probe | undefined {
  const [name = '', rest, ...more] = text.split('@')
  if (more.length) return undefined
  const [host, namePort] = splitPort(name)
  const [address, addressPort] = rest === undefined ? [undefined, undefined] : splitPort(rest)
  const port = Number((rest === undefined ? namePort : addressPort) ?? 443)
  const isHost = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(
    host,
  )
  if (!isHost || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  if (rest !== undefined && (namePort !== undefined || !address || !isAddress(address))) return undefined
  return { name: host.toLowerCase(), port, ...(address && { address }) }
}

/** An IPv6 address stands in brackets where a port follows it. */
function splitPort(text: string): readonly [host: string, port: string | undefined] {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  if (bracketed) return [bracketed[1] ?? '', bracketed[2]]
  const parts = text.split(':')
  return parts.length === 2 ? [parts[0] ?? '', parts[1]] : [text, undefined]
}

export const probeProblem = (text: string): string | undefined =>
  parseProbe(text) ? undefined : 'expected "host", "host:port" or "host@address:port"'

/** Dotted or with colons; whether it leads anywhere, a handshake says. */
const isAddress = (text: string) =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || /^[\da-f:.]*:[\da-f:.]*$/i.test(text)
