/** What the doctor finds: one line each, well or not, with what mends it. Pure. */
import { type Fault, mostSevereExitCode } from './fault.ts'
import { faultJson } from './outcome.ts'

/** unreached: what comes before it on the way is broken, so nobody can say. */
export type Level = 'ok' | 'warning' | 'failure' | 'unreached'

export interface Fix {
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

export type Counts = Readonly<Record<Level, number>>

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
