/** What install-hook says: what was done, and what happens next. Pure. */
import { wrapped } from './columns.ts'
import { type Client, quoted } from './hookFile.ts'
import { printable } from './printable.ts'

export interface Installation {
  readonly client: Client
  readonly file: string
  readonly outcome: 'written' | 'replaced' | 'unchanged' | 'removed' | 'absent'
  /** Nothing was changed: the outcome is what it would be. */
  readonly dryRun: boolean
  /** The hook itself; null where it is taken away. */
  readonly text: string | null
  /** The command the operator runs next; null where there is nothing to do. */
  readonly next: string | null
  /** acme.sh's files that still name a hook which is gone. */
  readonly namedBy: readonly string[]
}

export interface Deployment {
  /** Where it is not the one that acme.sh takes by itself. */
  readonly home?: string | undefined
  readonly domain: string
  readonly ecc: boolean
}

export const deployCommand = ({ home, domain, ecc }: Deployment) =>
  `acme.sh ${home ? `--home ${quoted(home)} ` : ''}--deploy -d ${quoted(domain)}${ecc ? ' --ecc' : ''} --deploy-hook certferry`

const HEADINGS = {
  written: ['written', 'would be written'],
  replaced: ['replaced by a newer one', 'would be replaced by a newer one'],
  unchanged: ['already there', 'already there'],
  removed: ['removed', 'would be removed'],
  absent: ['not there', 'not there'],
} as const

export function installationText(installation: Installation): string {
  const { outcome, file, dryRun, text } = installation
  const heading = `${printable(file, 4096)}: ${HEADINGS[outcome][dryRun ? 1 : 0]}`
  const shown = dryRun && text ? [text.trimEnd()] : []
  return `${[heading, ...shown, ...ahead(installation)].join('\n\n')}\n`
}

const paragraph = (text: string) => wrapped(text, 80)

function ahead({ client, outcome, next, namedBy }: Installation): readonly string[] {
  if (outcome === 'removed' || outcome === 'absent')
    return [
      paragraph(`Without it, renewals by ${client} are for \`certferry sync\` to carry.`),
      ...(namedBy.length
        ? [
            paragraph(
              'These still name it, and acme.sh reports an error at each renewal until "certferry" is taken out of their line Le_DeployHook:',
            ),
            namedBy.map(file => `  ${printable(file, 4096)}`).join('\n'),
          ]
        : []),
    ]
  if (client === 'certbot')
    return [
      paragraph(
        "From the next renewal on certbot runs it, and certferry uploads what was renewed; the certificate ID stands in certbot's output. What is there already, and first certificates with certbot before 5.3, are for `certferry sync`.",
      ),
    ]
  if (client === 'dehydrated')
    return [
      paragraph(
        "From the next renewal on dehydrated calls it, and certferry uploads what was renewed; the certificate ID stands in dehydrated's output. What is there already is for `certferry sync`.",
      ),
    ]
  return [
    paragraph(
      'Next, once for each certificate; it is uploaded, and acme.sh does the same at each renewal (no --ecc for RSA; name hooks you have before it: OTHER,certferry):',
    ),
    `  ${next}`,
  ]
}
