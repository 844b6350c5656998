/** Values as TOML writes them. Pure. */
import { escapeText } from './jsonLine.ts'
import type { KeyPath } from './tomlLines.ts'

export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain }

/** `[table]`, or `[[list]]` for the next of a list. */
export const tomlHeader = (path: KeyPath): string => {
  const names = path
    .filter(step => typeof step === 'string')
    .map(tomlKey)
    .join('.')
  return typeof path.at(-1) === 'number' ? `[[${names}]]` : `[${names}]`
}

export const tomlAssignment = (key: string, value: Plain): string => `${tomlKey(key)} = ${tomlValue(value)}`

const tomlKey = (key: string) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key))

function tomlValue(value: Plain): string {
  if (typeof value === 'string') return tomlString(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`
  const entries = Object.entries(value).map(([key, one]) => tomlAssignment(key, one))
  return entries.length ? `{ ${entries.join(', ')} }` : '{}'
}

/** As JSON writes it, for a terminal too; half of a character no file can hold. */
const tomlString = (text: string) => escapeText(JSON.stringify(text.toWellFormed()))
