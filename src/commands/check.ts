/** `certferry check`: runs every check of this machine, its configuration and the connection, and prints the findings. */
import { createApp, shutdownSignal } from '../app.ts'
import type { CommandLine } from '../config/commandLine.ts'
import { readConfiguration, unreadableConfig } from '../config/load.ts'
import { certificates } from '../doctor/certificates.ts'
import { connection } from '../doctor/connection.ts'
import { configuration, httpServer, notifications, runtime, state, watching } from '../doctor/environment.ts'
import {
  exitOfFindings,
  type Finding,
  findingLines,
  findingsJson,
  verdictLines,
  warning,
} from '../doctor/finding.ts'
import { renewals } from '../doctor/renewals.ts'
import { replacement } from '../doctor/replacement.ts'
import { type Check, type Machine, runCheck, thisMachine } from '../doctor/run.ts'
import { type InsecurePermissions, permissionAdvice, permissionText } from '../files/permissions.ts'
import type { ProcessContext } from '../processContext.ts'
import { existingSources, type Listing, listLineages } from '../sources/discover.ts'
import { jsonLine, withoutSudo } from '../terminal/text.ts'

const CHECKS: readonly Check[] = [
  { about: 'runtime', run: runtime },
  { about: 'configuration', run: configuration },
  { about: 'source', needs: /^(source|--source)/, run: certificates },
  { about: 'watching', needs: /^(source|--source)/, run: watching },
  { about: 'state', needs: /^(state|CERTFERRY_STATE_DIR|--state-dir)/, run: state },
  { about: 'renewals', needs: /^(source|--source)/, run: renewals },
  { about: 'notify', run: notifications },
  { about: 'http', needs: /^http/, run: httpServer },
  { about: 'answer', needs: /^(tencent|CERTFERRY_ENDPOINT|--endpoint)/, run: connection },
  {
    about: 'replacement',
    needs:
      /^(deploy|source|certificate|tencent|state|CERTFERRY_(ENDPOINT|STATE_DIR)|--(endpoint|source|state-dir))/,
    run: replacement,
  },
]

export const run = (context: ProcessContext, line: CommandLine): Promise<number> =>
  check(context, line, thisMachine)

export const check = async (context: ProcessContext, line: CommandLine, machine: Machine): Promise<number> =>
  exitOfFindings(await printCheck(context, line, machine))

export async function printCheck(
  context: ProcessContext,
  line: CommandLine,
  machine: Machine,
): Promise<readonly Finding[]> {
  const print = (findings: readonly Finding[]) => {
    const shown = line.quiet
      ? findings.filter(({ level }) => level === 'warning' || level === 'failure')
      : findings
    if (!line.json) context.stdout.write(findingLines(shown, context.stdout))
  }
  const findings = await examine(context, line, machine, print)
  const isSilent = line.quiet && findings.every(({ level }) => level === 'ok' || level === 'unreached')
  if (line.json) context.stdout.write(jsonLine(findingsJson(findings)))
  else if (!isSilent) context.stdout.write(verdictLines(findings))
  return findings
}

/** Runs all checks; `onFindings` gets the findings of each, in order, as soon as they are known. */
export async function examine(
  context: ProcessContext,
  line: CommandLine,
  machine: Machine,
  onFindings: (findings: readonly Finding[]) => void = () => {},
): Promise<readonly Finding[]> {
  const configuration = await readConfiguration(context, line).catch(unreadableConfig)
  const { settings, file } = configuration
  const app = createApp({ settings, configFile: file }, { context, line, signal: shutdownSignal(context) })
  try {
    const sources = settings.sources.length ? settings.sources : existingSources(context.home)
    let listed: Promise<Listing> | undefined
    const listing = () => {
      listed ??= listLineages(settings, context.home)
      return listed
    }
    const checkContext = { context, machine, configuration, app, sources, listing }
    const findings: Finding[] = []
    const add = (all: readonly Finding[]) => {
      const found = context.hasSudo() ? all : all.map(plainFinding)
      findings.push(...found)
      onFindings(found)
    }
    // concurrently: a network that does not answer takes its time
    for (const found of CHECKS.map(one => runCheck(one, checkContext))) add(await found)
    // last: by now the files have been read
    add(app.permissionWarnings.all().map(permissionFinding))
    return findings
  } finally {
    await app.close()
  }
}

const plainFinding = (finding: Finding): Finding => ({
  ...finding,
  ...(finding.advice !== undefined && { advice: withoutSudo(finding.advice) }),
  ...(finding.command !== undefined && { command: withoutSudo(finding.command) }),
})

const permissionFinding = (found: InsecurePermissions): Finding =>
  warning(found.what, permissionText(found), { advice: permissionAdvice(found) })
