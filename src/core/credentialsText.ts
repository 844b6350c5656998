/** The credentials file: one profile put into its text, others left as they are. Pure. */

export interface Key {
  readonly secretId: string
  readonly secretKey: string
}

/** What means something else to a reader of INI, or is in no API key: it would make another line, or a comment, of the rest. */
const UNFIT = /[^\x21-\x7e]|[;#="'[\]\\]/

/** A token may have the characters of Base64. */
const UNFIT_TOKEN = /[^\x21-\x7e]|["'`\\]/

/** What is wrong with half of a key, or with a token, in words that follow its place; nothing where it can be one. */
export function flawOf(word: string, what: 'key' | 'token' = 'key'): string | undefined {
  // a shell or systemd takes quotes off; docker --env-file, a mounted file and many others do not
  if (/^["'`].*["'`]$/s.test(word)) return 'stands in quotes, which would be part of it; take them off'
  if (word === '' || (what === 'token' ? UNFIT_TOKEN : UNFIT).test(word))
    return 'has blanks or other characters no credential has'
  return undefined
}

export const isFit = ({ secretId, secretKey }: Key): boolean =>
  [secretId, secretKey].every(word => !flawOf(word))

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
