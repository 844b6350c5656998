/** JSON as one line of output. Pure. */

/** What JSON may hold as it is and a terminal obeys or hides: C1 controls, marks of direction, separators of lines. */
const UNSEEN = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu

/** The same JSON, every such character written as its escape. */
export const escapeText = (json: string): string =>
  json.replace(UNSEEN, character =>
    Array.from({ length: character.length }, (_, i) => escapeOf(character.charCodeAt(i))).join(''),
  )

const escapeOf = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

/** `shown` may put another value in a member's place, by its name. */
export const jsonLine = (value: unknown, shown?: (name: string, value: unknown) => unknown): string =>
  `${escapeText(JSON.stringify(value, shown))}\n`
