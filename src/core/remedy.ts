/** Commands that mend what is wrong with a certificate's files. Pure. */
import type { Fault, FaultCode } from './fault.ts'
import type { Finding } from './finding.ts'
import { quoteShell } from './shellWord.ts'
import type { SourceKind } from './terms.ts'

/** For these a new certificate is what helps. */
const RENEWABLE: ReadonlySet<FaultCode> = new Set([
  'EXPIRED',
  'CERTIFICATE_INVALID',
  'KEY_INVALID',
  'WRONG_KEY',
  'TWO_LEAVES',
  'REJECTED_BEFORE',
])

/** Of what the service rejects, what another certificate of the same client would not have; a setting it would. */
const IN_THE_FILES: ReadonlySet<string> = new Set([
  'FailedOperation.CertificateChainError',
  'FailedOperation.CertificateInvalid',
  'FailedOperation.CertificateMatchError',
  'FailedOperation.CertificateMismatch',
  'InvalidParameter.MissMatchPrivateKey',
])

/** What the certificate's own client is told, to renew it now; undefined where renewing is not the remedy, or not ours to say. */
export function renewCommand(
  { kind, name }: { readonly kind: SourceKind; readonly name: string },
  { code, apiCode }: Pick<Fault, 'code' | 'apiCode'>,
): string | undefined {
  if (!RENEWABLE.has(code)) return undefined
  if (code === 'REJECTED_BEFORE' && !IN_THE_FILES.has(apiCode ?? '')) return undefined
  const forced = code === 'EXPIRED' ? '' : kind === 'certbot' ? ' --force-renewal' : ' --force'
  if (kind === 'certbot') return `sudo certbot renew --cert-name ${quoteShell(name)}${forced}`
  if (kind !== 'acme.sh') return undefined
  const ecc = name.endsWith('_ecc') ? ' --ecc' : ''
  return `acme.sh --renew -d ${quoteShell(name.replace(/_ecc$/, ''))}${ecc}${forced}`
}

export type PathProblem =
  /** `missing` is where the links lead in the end, and nothing is there. */
  | { readonly kind: 'dangling'; readonly link: string; readonly missing: string }
  | { readonly kind: 'closed'; readonly path: string; readonly mode: number; readonly uid: number }

/** What is in the way, and what removes it. */
export function describePathProblem(
  lineage: string,
  obstacle: PathProblem,
  user: { readonly uid: number; readonly name: string },
): Pick<Finding, 'says' | 'advice' | 'command'> {
  if (obstacle.kind === 'dangling')
    return {
      says: `${lineage}: ${obstacle.link} leads to ${obstacle.missing}, which is not there`,
      advice:
        'Mount or restore the folder it leads to as well, not only the links; if the file is lost, have the client issue the certificate anew.',
      command: `ls -l ${quoteShell(obstacle.link)}`,
    }
  const { path, mode, uid } = obstacle
  const says = `${lineage}: ${path} is closed to ${user.name} (mode ${mode.toString(8).padStart(4, '0')}, owner ${uid === 0 ? 'root' : `uid ${uid}`})`
  if (user.uid === 0)
    return {
      says,
      advice:
        'Even root is kept out: see whether the file system is remote, or a security module forbids it.',
    }
  return {
    says,
    advice:
      'Look as root; the service needs no more than its unit gives it, or a group that may read (docs/systemd.md).',
    command: 'sudo certferry check',
  }
}
