/** What `certferry check` found, as text for a terminal and as JSON. Pure. */
import { type Fault, faultJson, mostSevereExitCode } from '../errors.ts'
import { printableText, wrap } from '../terminal/text.ts'

/** unreached: an earlier step failed, so this one could not be checked. */
export type Level = 'ok' | 'warning' | 'failure' | 'unreached'

interface Fix {
  readonly advice?: string
  /** As it is typed. */
  readonly command?: string
}

export interface Finding extends Fix {
  readonly about: string
  readonly level: Level
  readonly says: string
  /** With a failure: it decides the exit code. */
  readonly fault?: Fault
  /** What the key's policy has to allow, to be pasted into the console. */
  readonly policy?: string
}

export const ok = (about: string, says: string): Finding => ({ about, level: 'ok', says })

export const skipped = (about: string, says: string): Finding => ({ about, level: 'unreached', says })

export const warning = (about: string, says: string, fix: Fix): Finding => ({
  about,
  level: 'warning',
  says,
  ...fix,
})

/** A fix replaces the fault's advice. */
export const failure = (about: string, fault: Fault, fix: Fix = { advice: fault.advice }): Finding => ({
  about,
  level: 'failure',
  says: fault.message,
  fault,
  ...fix,
})

export const exitOfFindings = (findings: readonly Finding[]): number =>
  mostSevereExitCode(findings.flatMap(({ fault }) => fault?.exit ?? []))

export function countsOf(findings: readonly Finding[]): Readonly<Record<Level, number>> {
  const counts = { ok: 0, warning: 0, failure: 0, unreached: 0 }
  for (const { level } of findings) counts[level] += 1
  return counts
}

export const findingsJson = (findings: readonly Finding[]) => ({
  findings: findings.map(({ about, level, says, advice, command, policy, fault }) => ({
    about,
    level,
    says,
    advice: advice || undefined,
    command,
    policy: policy && JSON.parse(policy),
    fault: fault && faultJson(fault),
  })),
  summary: countsOf(findings),
  exit: exitOfFindings(findings),
})

interface Screen {
  readonly colours: boolean
  readonly columns: number
}

/** ASCII: the same in a log, without colours and under LANG=C. */
const WORDS: Readonly<Record<Level, readonly [word: string, colour: string]>> = {
  ok: ['ok', '32'],
  warning: ['WARN', '33'],
  failure: ['FAIL', '31'],
  unreached: ['-', '2'],
}

/** Columns before the text: the level, the topic, and the blanks between. */
const MARGIN = 21

/** Of similar findings so many are shown: a thousand unreadable files are one problem. */
const SIMILAR = 3

export function findingLines(findings: readonly Finding[], screen: Screen): string {
  const groups = Map.groupBy(findings, finding =>
    finding.level === 'ok' || finding.about === 'configuration'
      ? finding
      : `${finding.about} ${finding.level} ${finding.fault?.code}`,
  )
  const lines = [...groups.values()].flatMap(group => {
    const all = group.map(finding => lineOf(finding, screen))
    if (all.length <= SIMILAR + 1) return all
    return [...all.slice(0, SIMILAR), `${' '.repeat(MARGIN)}… and ${all.length - SIMILAR} more like it\n`]
  })
  return lines.join('')
}

function lineOf({ about, level, says, advice, command }: Finding, { colours, columns }: Screen): string {
  const fit = (text: string) => wrap(printableText(text, 1000), Math.max(60, columns) - MARGIN, MARGIN)
  const [word, colour] = WORDS[level]
  const shown = colours ? `\u001b[${colour}m${word}\u001b[0m` : word
  const lines = [`${shown}${' '.repeat(6 - word.length)}${about.padEnd(13)}  ${fit(says)}`]
  if (advice) lines.push(`${' '.repeat(MARGIN)}${fit(`→ ${advice}`)}`)
  if (command) lines.push(commandLine(printableText(command, 1000), advice ? '  ' : '→ ', columns))
  return `${lines.join('\n')}\n`
}

/** It is copied: a long one goes on after a backslash, and never breaks between quotes. */
function commandLine(command: string, mark: string, columns: number): string {
  const width = Math.max(60, columns) - MARGIN - mark.length - 4
  const words = command.match(/(?:'[^']*'|"[^"]*"|[^\s'"]+)+/g) ?? []
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1) ?? ''
    if (line && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return `${' '.repeat(MARGIN)}${mark}${lines.join(` \\\n${' '.repeat(MARGIN + mark.length + 2)}`)}`
}

/** Printed last: on a small terminal it stays visible. */
export function verdictLines(findings: readonly Finding[]): string {
  const policies = [...new Set(findings.flatMap(({ policy }) => policy ?? []))].map(
    policy => `\nThe policy, for the console (CAM, Policies, by syntax):\n${policy}\n`,
  )
  const { failure, warning } = countsOf(findings)
  const counts = [...countText(failure, 'failure'), ...countText(warning, 'warning')].join(', ')
  const end = failure ? `exit ${exitOfFindings(findings)}` : 'no failures'
  return `${policies.join('')}\n${counts ? `${counts}; ${end}.` : 'No problems found.'}\n`
}

const countText = (count: number, what: string) =>
  count ? [`${count} ${what}${count === 1 ? '' : 's'}`] : []
