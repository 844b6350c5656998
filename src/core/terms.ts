/** The words that options, environment and configuration share. Pure; apart from the schema, which takes time to load. */

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export const LANGUAGES = ['en-US', 'zh-CN'] as const
export const TYPES = ['SVR', 'CA'] as const
export const KINDS = ['certbot', 'acme.sh', 'lego', 'dehydrated', 'uacme', 'caddy', 'traefik', 'pem'] as const

export type Level = (typeof LEVELS)[number]
export type SourceKind = (typeof KINDS)[number]

/** Slower than one in ten seconds is no pace; faster than this no account is allowed. */
export const RATE = { min: 0.1, max: 1_000, default: 10 } as const
