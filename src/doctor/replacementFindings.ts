/** What the service's answers show of replacing older certificates: rights, the role, what is bound where. Pure. */
import type { Fault } from '../errors.ts'
import type { BoundResource, Handshake } from '../receipts/replacement.ts'
import { type Finding, failure, ok, skipped, warning } from './finding.ts'

const ABOUT = 'replacement'

/** As Cloud Access Management takes it: upload, search, replace, follow, roll back. */
export const REPLACE_POLICY = `{"version": "2.0", "statement": [{"effect": "allow", "resource": ["*"],
  "action": ["ssl:UploadCertificate", "ssl:CheckCertificateExist",
             "ssl:DescribeCertificates",
             "ssl:CreateCertificateBindResourceSyncTask",
             "ssl:DescribeCertificateBindResourceTaskResult",
             "ssl:DescribeCertificateBindResourceTaskDetail",
             "ssl:UpdateCertificateInstance",
             "ssl:DescribeHostUpdateRecord",
             "ssl:DescribeHostUpdateRecordDetail",
             "ssl:UpdateCertificateRecordRetry",
             "ssl:UpdateCertificateRecordRollback"]}]}`

/** The command that creates the service's role. */
export const ROLE_COMMAND = `tccli cam CreateServiceLinkedRole --QCSServiceName '["replaceloadcertificate.ssl.cloud.tencent.com"]'`

/** What may be tried without changing anything. */
const READING = [
  'CreateCertificateBindResourceSyncTask',
  'DescribeCertificateBindResourceTaskResult',
  'DescribeCertificateBindResourceTaskDetail',
  'DescribeHostUpdateRecord',
] as const

export interface RightsTried {
  /** By action: the fault that it was refused with, or nothing where it was answered. */
  readonly tried: ReadonlyMap<string, Fault | undefined>
  /** When a replacement last got a record: that proves the right to replace. */
  readonly lastReplacement: string | undefined
}

export function rightsFindings({ tried, lastReplacement }: RightsTried): readonly Finding[] {
  const denied = READING.flatMap(action => {
    const fault = tried.get(action)
    return fault ? [{ action, fault }] : []
  })
  const proven = READING.filter(action => tried.has(action) && !tried.get(action))
  const findings: Finding[] = denied.map(({ action, fault }) => ({
    ...failure(ABOUT, fault, { advice: 'Allow it; the policy below allows all that is needed.' }),
    says: `ssl:${action} is not allowed`,
    policy: REPLACE_POLICY,
  }))
  const untried = READING.filter(action => !tried.has(action))
  if (proven.length === READING.length)
    findings.push(ok(ABOUT, 'the key may search where certificates are bound, and read the records of jobs'))
  else if (proven.length) findings.push(ok(ABOUT, `proven: ${list(proven)}`))
  if (untried.length) findings.push(skipped(ABOUT, `not tried: ${list(untried)}`))
  if (lastReplacement !== undefined)
    findings.push(ok(ABOUT, `ssl:UpdateCertificateInstance was allowed on ${lastReplacement.slice(0, 10)}`))
  else
    findings.push({
      ...skipped(
        ABOUT,
        'ssl:UpdateCertificateInstance: not proven, because trying it would change something; the first replacement shows it',
      ),
      advice: 'The policy below allows it.',
      policy: REPLACE_POLICY,
    })
  return findings
}

const list = (actions: readonly string[]) => actions.map(action => `ssl:${action}`).join(', ')

export function roleFinding(role: 'there' | Fault): Finding {
  if (role === 'there') return ok(ABOUT, 'the service role exists')
  return failure(ABOUT, role, {
    advice:
      'An administrator creates the role SSL_QCSLinkedRoleInReplaceLoadCertificate once: in the console, where SSL Certificates asks for it at "Deploy" or "Update"; or',
    command: ROLE_COMMAND,
  })
}

export interface LineageBound {
  readonly lineage: string
  readonly isOn: boolean
  readonly current: string
  /** Names of the resources that the current certificate lacks, where that holds it back. */
  readonly uncovered: readonly string[]
  /** Undefined where the search left something out and found nothing. */
  readonly resources: readonly BoundResource[] | undefined
}

const placeText = ({ type, region, instance, domains }: BoundResource) =>
  [type, region, instance, ...domains.filter(name => name !== instance)].filter(Boolean).join(' ')

function boundText(resources: readonly BoundResource[]): string {
  const shown = resources.slice(0, 3).map(one => `${placeText(one)} (${one.certificateId})`)
  return shown.join('; ') + (resources.length > 3 ? `; and ${resources.length - 3} more` : '')
}

/** What still uses older IDs: what the next run replaces, or the reminder where nothing does. */
export function boundFindings(all: readonly LineageBound[]): readonly Finding[] {
  const free = all.filter(({ resources }) => resources?.length === 0)
  const findings = all.flatMap(({ lineage, isOn, current, uncovered, resources }) => {
    if (resources === undefined)
      return [skipped(ABOUT, `${lineage}: where its older IDs are bound is not known; try again in a minute`)]
    if (!resources.length) return []
    const where = `${lineage}: older IDs are still bound: ${boundText(resources)}`
    if (isOn && uncovered.length)
      return [
        warning(
          ABOUT,
          `${where}; ${current} does not cover ${uncovered.join(', ')}, so nothing is replaced`,
          {
            advice:
              'Issue a certificate with these names, or bind another to them, or set allow_uncovered = true in [deploy].',
          },
        ),
      ]
    if (isOn) return [ok(ABOUT, `${where}; the next run replaces them`)]
    return [
      warning(ABOUT, `${where}; and [deploy] replace is off`, {
        advice: `Bind ${current} there in the console, or set replace = true in [deploy] to have it done at each renewal.`,
      }),
    ]
  })
  if (!free.length) return findings
  const what = free.length === 1 ? 'certificate' : 'certificates'
  return [...findings, ok(ABOUT, `${free.length} ${what}: the search found no bound older ID`)]
}

export interface Candidate {
  readonly lineage: string
  readonly certificateId: string
  readonly resources: readonly BoundResource[]
}

/** A certificate from before certferry that covers the same names: the line that makes it the first link. */
export const candidateFinding = ({ lineage, certificateId, resources }: Candidate): Finding =>
  warning(
    ABOUT,
    `${lineage}: ${certificateId}, which was bound before, has no other names: ${boundText(resources)}`,
    {
      advice: `To have it replaced: [[certificate]] with match = "${lineage.slice(lineage.indexOf(':') + 1)}", and`,
      command: `replaces = ["${certificateId}"]`,
    },
  )

export function handshakeFinding(lineage: string, { name, address, leaf, detail }: Handshake): Finding {
  const at = `${name} at ${address}`
  switch (leaf) {
    case 'new':
      return ok(ABOUT, `${lineage}: ${at} serves the current certificate`)
    case 'old':
      return warning(ABOUT, `${lineage}: ${at} serves an older certificate`, {
        advice: 'See where it is bound: certferry status NAME.',
      })
    case 'other':
      return skipped(ABOUT, `${lineage}: ${at} serves another certificate (${detail ?? 'unknown'})`)
    case 'none':
      return skipped(ABOUT, `${lineage}: ${at} cannot be asked from here (${detail ?? 'no answer'})`)
  }
}

/** Types that the international site's search and replacement do not know. */
const MAINLAND_ONLY = ['mqtt', 'scf', 'tdmq', 'gaap', 'lighthouse']

/** What the endpoint's site cannot do of what is configured. */
export function siteFindings(hostname: string, types: readonly string[]): readonly Finding[] {
  const unknown = types.filter(type => MAINLAND_ONLY.includes(type))
  if (!hostname.includes('.intl.') || !unknown.length) return []
  return [
    warning(ABOUT, `the international site does not replace ${unknown.join(', ')}`, {
      advice: 'Take them out of types in [deploy], and bind these certificates in the console.',
    }),
  ]
}
