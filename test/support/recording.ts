/**
 * What a real ACME client did to its folders, call by call, as the end-to-end suite saw it under strace and keeps it in
 * recordings/: one line a call, without contents but for what kind they were. `ROOT` is the client's folder, `NAME` the
 * certificate's; times and random names are numbered.
 */
import { readFileSync } from 'node:fs'

/** What of a certificate a file holds; `other` is anything that is neither certificate nor key. */
export const HOLDINGS = ['key', 'leaf', 'chain', 'intermediates', 'other'] as const
export type Holding = (typeof HOLDINGS)[number]

export type Act =
  | { readonly do: 'mkdir' | 'rmdir' | 'create' | 'empty' | 'unlink'; readonly path: string }
  | { readonly do: 'write'; readonly path: string; readonly holding: Holding }
  | { readonly do: 'chmod'; readonly path: string; readonly mode: number }
  /** `path` comes to be what `from` is, is one file with it, or points there. */
  | { readonly do: 'rename' | 'link' | 'symlink'; readonly path: string; readonly from: string }

export const RECORDED = [
  'certbot',
  'acme.sh',
  'acme.sh-new-keys',
  'lego',
  'dehydrated',
  'uacme',
  'caddy',
] as const
export type Client = (typeof RECORDED)[number]

export interface Recording {
  readonly issuance: readonly Act[]
  readonly renewal: readonly Act[]
  /** The renewed certificate is for the key of the first one. */
  readonly keepsKey: boolean
}

/** Written by the end-to-end suite with `--update`, and held to what the clients do without it. */
export const fileOf = (client: Client) => new URL(`recordings/${client}.txt`, import.meta.url)

export const textOf = ({ issuance, renewal, keepsKey }: Recording): string =>
  [
    'issuance',
    ...issuance.map(lineOf),
    keepsKey ? 'renewal, same key' : 'renewal, new key',
    ...renewal.map(lineOf),
    '',
  ].join('\n')

function lineOf(act: Act): string {
  const words = [act.do, act.path]
  if (act.do === 'write') words.push(act.holding)
  if (act.do === 'chmod') words.push(act.mode.toString(8))
  if ('from' in act) words.push(act.do === 'symlink' ? '->' : '<-', act.from)
  return `  ${words.join(' ')}`
}

export const recordingOf = (client: Client): Recording => recordingFrom(readFileSync(fileOf(client), 'utf8'))

export function recordingFrom(text: string): Recording {
  const lines = text.trimEnd().split('\n')
  const second = lines.findIndex(line => line.startsWith('renewal'))
  return {
    issuance: lines.slice(1, second).map(actFrom),
    renewal: lines.slice(second + 1).map(actFrom),
    keepsKey: lines[second] === 'renewal, same key',
  }
}

function actFrom(line: string): Act {
  const [what = '', path = '', third = '', from = ''] = line.trim().split(' ')
  switch (what) {
    case 'mkdir':
    case 'rmdir':
    case 'create':
    case 'empty':
    case 'unlink':
      return { do: what, path }
    case 'write':
      return { do: what, path, holding: holdingFrom(third) }
    case 'chmod':
      return { do: what, path, mode: Number.parseInt(third, 8) }
    case 'rename':
    case 'link':
    case 'symlink':
      return { do: what, path, from }
    default:
      throw new RangeError(`no recording has the line "${line}"`)
  }
}

function holdingFrom(word: string): Holding {
  const found = HOLDINGS.find(holding => holding === word)
  if (!found) throw new RangeError(`no file holds "${word}"`)
  return found
}
