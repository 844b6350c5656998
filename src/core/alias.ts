/** The certificate's name in the console, made from a template. Pure. */

const FIELDS = ['name', 'domain', 'notAfter'] as const
type Field = (typeof FIELDS)[number]

/** No limit is documented; the console cuts long ones and nobody reads them. Counted in characters. */
const LONGEST = 200

const PLACE = /\{([^{}]*)\}/g

export const DEFAULT_ALIAS = '{name} {notAfter}'

/** What is wrong with a template, or nothing. */
export function aliasProblem(template: string): string | undefined {
  const unknown = [...template.matchAll(PLACE)]
    .map(match => match[1] ?? '')
    .filter(field => !FIELDS.includes(field as Field))
  if (unknown.length) return `unknown field {${unknown[0]}}: the fields are {name}, {domain} and {notAfter}`
  if ([...template].length > LONGEST) return `expected at most ${LONGEST} characters`
  return undefined
}

/** Fields are put in once: what stands in a certificate's name is never read as a template. */
export const aliasOf = (template: string, values: Readonly<Record<Field, string>>): string =>
  [...template.replace(PLACE, (_, field: Field) => values[field])].slice(0, LONGEST).join('')
