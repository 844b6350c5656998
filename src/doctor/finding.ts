/** Findings for a terminal: a column of words for the eye, a column of topics, and what mends below what is wrong. Pure. */
import { type Fault, faultJson, mostSevereExitCode } from '../errors.ts'
import { printableText, wrap } from '../terminal/text.ts'

/** unreached: what comes before it on the way is broken, so nobody can say. */
export type Level = 'ok' | 'warning' | 'failure' | 'unreached'

interface Fix {
  /** In words, where a command alone does not do. */
  readonly advice?: string
  /** The one command, as it is typed. */
  readonly command?: string
}

export interface Finding extends Fix {
  readonly about: string
  readonly level: Level
  readonly says: string
  /** Of a failure: it decides the exit code. */
  readonly fault?: Fault
  /** What the key's policy has to allow, to be pasted into the console. */
  readonly policy?: string
}

export const ok = (about: string, says: string): Finding => ({ about, level: 'ok', says })

export const warning = (about: string, says: string, mend: Fix): Finding => ({
  about,
  level: 'warning',
  says,
  ...mend,
})

/** A command of our own stands in place of the fault's advice, unless there is advice beside it. */
export const failure = (about: string, fault: Fault, mend: Fix = { advice: fault.advice }): Finding => ({
  about,
  level: 'failure',
  says: fault.message,
  fault,
  ...mend,
})

export const skipped = (about: string, says: string): Finding => ({ about, level: 'unreached', says })

/** A warning is no failure. */
export const exitOfFindings = (findings: readonly Finding[]): number =>
  mostSevereExitCode(findings.flatMap(({ fault }) => fault?.exit ?? []))

type Counts = Readonly<Record<Level, number>>

export function countsOf(findings: readonly Finding[]): Counts {
  const count = (level: Level) => findings.filter(finding => finding.level === level).length
  return {
    ok: count('ok'),
    warning: count('warning'),
    failure: count('failure'),
    unreached: count('unreached'),
  }
}

/** Member by member: what is not named here cannot get out. */
export const findingsJson = (findings: readonly Finding[]) => ({
  findings: findings.map(({ about, level, says, advice, command, policy, fault }) => ({
    about,
    level,
    says,
    ...(advice && { advice }),
    ...(command && { command }),
    ...(policy && { policy: JSON.parse(policy) }),
    ...(fault && { fault: faultJson(fault) }),
  })),
  summary: countsOf(findings),
  exit: exitOfFindings(findings),
})

interface Screen {
  readonly colours: boolean
  readonly columns: number
}

/** Plain ASCII: in a log, without colours and under LANG=C they say the same. */
const WORDS: Readonly<Record<Level, readonly [word: string, colour: string]>> = {
  ok: ['ok', '32'],
  warning: ['WARN', '33'],
  failure: ['FAIL', '31'],
  unreached: ['-', '2'],
}

/** What stands before the words: four characters, a topic of 13, and the blanks between. */
const MARGIN = 21

/** Of those that are alike so many are shown: a thousand unreadable files are one trouble. */
const ALIKE = 3

export function findingLines(findings: readonly Finding[], screen: Screen): string {
  const groups = Map.groupBy(findings, kindOf)
  const lines = [...groups.values()].flatMap(group => {
    if (group.length <= ALIKE + 1) return group.map(finding => lineOf(finding, screen))
    const more = `${' '.repeat(MARGIN)}… and ${group.length - ALIKE} more like it\n`
    return [...group.slice(0, ALIKE).map(finding => lineOf(finding, screen)), more]
  })
  return lines.join('')
}

/** What is well is told one by one. */
const kindOf = (finding: Finding) =>
  finding.level === 'ok' ? finding : `${finding.about} ${finding.level} ${finding.fault?.code}`

function lineOf({ about, level, says, advice, command }: Finding, { colours, columns }: Screen): string {
  const fit = (text: string) => wrap(printableText(text, 1000), Math.max(60, columns) - MARGIN, MARGIN)
  const [word, colour] = WORDS[level]
  const shown = colours ? `\u001b[${colour}m${word}\u001b[0m` : word
  const lines = [`${shown}${' '.repeat(6 - word.length)}${about.padEnd(13)}  ${fit(says)}`]
  if (advice) lines.push(`${' '.repeat(MARGIN)}${fit(`→ ${advice}`)}`)
  if (command) lines.push(commandLine(printableText(command, 1000), advice ? '  ' : '→ ', columns))
  return `${lines.join('\n')}\n`
}

/** Never wrapped, for it is copied; a long one begins further to the left. */
const commandLine = (command: string, mark: string, columns: number) =>
  `${' '.repeat(MARGIN + mark.length + command.length > columns ? 2 : MARGIN)}${mark}${command}`

/** The last words: on a small terminal they stay in sight when the rest has scrolled away. */
export function verdictLines(findings: readonly Finding[]): string {
  const policies = [...new Set(findings.flatMap(({ policy }) => policy ?? []))]
  const paste = policies.map(
    policy => `\nThe policy, for the console (CAM, Policies, by syntax):\n${policy}\n`,
  )
  return `${paste.join('')}\n${sumOf(findings)}\n`
}

function sumOf(findings: readonly Finding[]): string {
  const { failure, warning } = countsOf(findings)
  const count = (number: number, what: string) =>
    number ? [`${number} ${what}${number === 1 ? '' : 's'}`] : []
  const sum = [...count(failure, 'failure'), ...count(warning, 'warning')].join(', ')
  if (failure) return `${sum}; exit ${exitOfFindings(findings)}.`
  return sum ? `${sum}; no failures.` : 'No problems found.'
}
