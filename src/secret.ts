/** Text that can reach the network and nothing else. Pure. */
import { inspect } from 'node:util'

/** Printing, logging or serialising a Secret shows `[secret]`: the text lives in a closure, not in a property. */
export interface Secret {
  readonly reveal: () => string
  readonly toJSON: () => string
  readonly toString: () => string
}

export const MASK = '[secret]'

export const secret = (text: string): Secret =>
  Object.freeze({
    reveal: () => text,
    toJSON: () => MASK,
    toString: () => MASK,
    [inspect.custom]: () => MASK,
  })

const PEM_PRIVATE = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g

/** Text from elsewhere (a library's error, a reply) with any private key cut out, for a log or a message. */
export const withoutKeys = (text: string): string => text.replace(PEM_PRIVATE, MASK)
