/** The configuration file's text with what setup was told, and everything else in it as it was. Pure. */
import type { Config } from './config.ts'
import { keyLines, type LineOf } from './tomlLines.ts'
import { tomlAssignment } from './tomlText.ts'

export interface Wanted {
  /** Undefined where what is in force serves. */
  readonly endpoint: string | undefined
  /** Sources to be looked at and no others; empty where what is in force serves. */
  readonly sources: ReadonlyArray<{ readonly kind: string; readonly path: string }>
}

/** Only what is not in force yet is written: a second setup changes nothing. Whoever writes it proves it with a parser. */
export function withWanted(text: string, now: Config, { endpoint, sources }: Wanted): string {
  const missing = sources.filter(
    ({ kind, path }) => !now.source?.some(one => one.kind === kind && one.path === path),
  )
  const told = endpoint !== undefined && now.tencent?.endpoint !== endpoint
  const blocks = missing.map(
    ({ kind, path }) => `\n[[source]]\n${tomlAssignment('kind', kind)}\n${tomlAssignment('path', path)}\n`,
  )
  const begun = told ? withEndpoint(text, endpoint, keyLines(text)) : text
  return blocks.length ? `${begun.replace(/\n*$/, '\n')}${blocks.join('')}` : begun
}

/** In place of the one there is, or of the one that is commented out below the table's head, else right below that. */
function withEndpoint(text: string, endpoint: string, lineOf: LineOf): string {
  const assignment = tomlAssignment('endpoint', endpoint)
  const lines = text.split('\n')
  const isAt = (line: number | undefined, pattern: RegExp) =>
    line !== undefined && pattern.test(lines[line - 1] ?? '')
  const [head = 0, key] = [lineOf(['tencent']), lineOf(['tencent', 'endpoint'])]
  if (isAt(key, /^\s*endpoint\s*=/)) return lines.with((key ?? 0) - 1, assignment).join('\n')
  if (!isAt(head, /^\s*\[\s*tencent\s*\]/))
    return `${text ? text.replace(/\n*$/, '\n\n') : ''}[tencent]\n${assignment}\n`
  const next = lines.findIndex((line, i) => i >= head && /^\s*\[/.test(line))
  const within = lines.slice(0, next < 0 ? lines.length : next)
  const comment = within.findIndex((line, i) => i >= head && /^#\s*endpoint\s*=/.test(line))
  return (comment < 0 ? lines.toSpliced(head, 0, assignment) : lines.with(comment, assignment)).join('\n')
}

/** The lines that are new in a text, for whoever is shown what would be written. */
export function linesAdded(before: string, after: string): readonly string[] {
  const known = new Set(before.split('\n'))
  return after.split('\n').filter(line => line !== '' && !known.has(line))
}
