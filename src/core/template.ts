/** JSON of the operator's with places in it. Pure. */

const PLACES = ['text', 'event', 'host', 'count'] as const
type Words = Readonly<Record<(typeof PLACES)[number], string>>

const PLACEHOLDER = /\{(text|event|host|count)\}/g

/** Each value as it stands inside a JSON string, so that none can end it; what stands in a value is not filled again. */
export const fillTemplate = (template: string, words: Words): string =>
  template.replace(PLACEHOLDER, (_, name: keyof Words) => JSON.stringify(words[name]).slice(1, -1))

/** What is wrong with a template, or nothing. */
export function templateProblem(template: string): string | undefined {
  try {
    JSON.parse(fillTemplate(template, { text: 'a "b"\n', event: 'uploaded', host: 'a', count: '1' }))
    return undefined
  } catch {
    return 'expected JSON with {text} inside a string, such as {"text":"{text}"}'
  }
}
