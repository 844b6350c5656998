/** Finds, at build time, what a part of the bundle could not load at run time. */
import { builtinModules } from 'node:module'
import { parseSync, Visitor } from 'rolldown/utils'

/**
 * The loader runs each part by vm.Script, where `import()` and `import.meta` do not work, and `require` finds Node's own
 * modules and the other parts alone.
 */
export function unresolvedIn(parts: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set(Array.from(parts.keys(), baseOf))
  const found: string[] = []
  for (const [path, code] of parts) {
    const { program, errors } = parseSync(path, code, { sourceType: 'commonjs' })
    if (errors.length) found.push(`${path}: ${errors[0]?.message}`)
    const complain = ({ start, end }: { start: number; end: number }) =>
      found.push(`${path}: ${code.slice(start, Math.min(end, start + 80))}`)
    new Visitor({
      ImportExpression: complain,
      CallExpression: node => {
        const [name] = node.arguments
        if (node.callee.type !== 'Identifier' || node.callee.name !== 'require') return
        if (name?.type !== 'Literal' || typeof name.value !== 'string' || !isThere(name.value)) complain(node)
      },
    }).visit(program)
  }
  return found

  function isThere(name: string): boolean {
    return name.startsWith('.')
      ? names.has(baseOf(name))
      : name.startsWith('node:') || builtinModules.includes(name)
  }
}

const baseOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
