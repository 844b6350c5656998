/** The ways in which the service writes a time. Pure. */

/** Beijing time without a zone. */
export const beijingTime = (at: number): string =>
  new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')

/** UTC with six digits of a second. */
export const microTime = (at: number): string => new Date(at).toISOString().replace('Z', '000Z')
