/** Patterns over lineage names: `*` stands for any text, `?` for one character. Pure. */

/**
 * A literal asterisk, as acme.sh has in `*.example.com_ecc`, is matched by `*` like any other text. No regular
 * expression: one made of several asterisks takes time without end over a name that almost fits.
 */
export function isMatch(pattern: string, name: string): boolean {
  const wanted = [...pattern]
  const given = [...name]
  let at = 0
  let star: { readonly after: number; taken: number } | undefined
  for (let i = 0; i < given.length; ) {
    if (wanted[at] === '*') star = { after: ++at, taken: i }
    else if (wanted[at] === '?' || wanted[at] === given[i]) {
      at++
      i++
    } else if (star) {
      // the last asterisk takes one more: an earlier one has no better place than the first it fitted
      i = ++star.taken
      at = star.after
    } else return false
  }
  return wanted.slice(at).every(character => character === '*')
}
