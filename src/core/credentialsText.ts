/** The credentials file: one profile put into its text, others left as they are. Pure. */

export interface Key {
  readonly secretId: string
  readonly secretKey: string
}

/** What means something else to a reader of INI, or is in no API key: it would make another line, or a comment, of the rest. */
const UNFIT = /[^\x21-\x7e]|[;#="'[\]\\]/

export const isFit = ({ secretId, secretKey }: Key): boolean =>
  [secretId, secretKey].every(word => word !== '' && !UNFIT.test(word))

/** The section of this profile is replaced whole, or added at the end. */
export function withProfile(text: string, profile: string, { secretId, secretKey }: Key): string {
  const section = `[${profile}]\nsecret_id = ${secretId}\nsecret_key = ${secretKey}`
  const lines = text.split('\n')
  const begin = lines.findIndex(line => line.trim() === `[${profile}]`)
  if (begin < 0) return `${text.trimEnd()}${text.trim() ? '\n\n' : ''}${section}\n`
  const next = lines.findIndex((line, i) => i > begin && /^\s*\[/.test(line))
  const rest = next < 0 ? [] : ['', ...lines.slice(next)]
  return `${[...lines.slice(0, begin), section, ...rest].join('\n').trimEnd()}\n`
}
