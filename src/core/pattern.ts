/** Patterns over lineage names: `*` stands for any text, `?` for one character. Pure. */

/** A literal asterisk, as acme.sh has in `*.example.com_ecc`, is matched by `*` like any other text. */
export function isMatch(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 'su').test(name)
}
