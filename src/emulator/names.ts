/** Which names a certificate covers. Pure. */

/** A wildcard stands for exactly one label. */
function coversOne(name: string, domain: string): boolean {
  if (name === domain) return true
  if (!name.startsWith('*.') || domain.startsWith('*.')) return false
  const [first = '', ...rest] = domain.split('.')
  return first !== '' && rest.join('.') === name.slice(2)
}

export const covers = (names: readonly string[], domain: string): boolean =>
  names.some(name => coversOne(name.toLowerCase(), domain.toLowerCase()))
