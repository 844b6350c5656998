/** What install-hook says: what was done, and what happens next. Pure. */
import { printableText, quoteShell, wrap } from '../terminal/text.ts'
import type { FolderKind } from './clients.ts'
import type { Call, Client } from './hookScripts.ts'

export interface Installation {
  readonly client: Client
  readonly file: string
  readonly outcome: 'written' | 'replaced' | 'unchanged' | 'removed' | 'absent'
  /** Nothing was changed: the outcome is what it would be. */
  readonly dryRun: boolean
  /** The hook itself; null where it is taken away. */
  readonly text: string | null
  /** The commands the operator runs next, one a line; null where there is nothing to do. */
  readonly next: string | null
  /** acme.sh's files that still name a hook which is gone. */
  readonly namedBy: readonly string[]
}

interface Deployment {
  /** Where acme.sh itself lies; undefined where that is not known. */
  readonly script?: string | undefined
  /** Where these are not the ones that acme.sh takes by itself. */
  readonly home?: string | undefined
  readonly config?: string | undefined
  /** The certificate's folder. */
  readonly name: string
  /** Those it has: acme.sh replaces them by what it is told. */
  readonly hooks?: readonly string[] | undefined
}

export function deployCommand({ script = 'acme.sh', home, config, name, hooks = [] }: Deployment): string {
  const options = [...(home ? ['--home', home] : []), ...(config ? ['--config-home', config] : [])]
  const domain = ['--deploy', '-d', name.replace(/_ecc$/, ''), ...(name.endsWith('_ecc') ? ['--ecc'] : [])]
  return [script, ...options, ...domain, '--deploy-hook', [...hooks, 'certferry'].join(',')]
    .map(quoteShell)
    .join(' ')
}

const HEADINGS = {
  written: ['written', 'would be written'],
  replaced: ['replaced by a newer one', 'would be replaced by a newer one'],
  unchanged: ['already there', 'already there'],
  removed: ['removed', 'would be removed'],
  absent: ['not there', 'not there'],
} as const

export function installationText(installation: Installation): string {
  const { outcome, file, dryRun, text } = installation
  const heading = `${printableText(file, 4096)}: ${HEADINGS[outcome][dryRun ? 1 : 0]}`
  const shown = dryRun && text ? [text.trimEnd()] : []
  return `${[heading, ...shown, ...nextSteps(installation)].join('\n\n')}\n`
}

const paragraph = (text: string) => wrap(text, 80)

function nextSteps({ client, outcome, next, namedBy }: Installation): readonly string[] {
  if (outcome === 'removed' || outcome === 'absent')
    return [
      paragraph(`Without it, renewals by ${client} are for \`certferry sync\` to carry.`),
      ...(namedBy.length
        ? [
            paragraph(
              'These still name it, and acme.sh reports an error at each renewal until "certferry" is taken out of their line Le_DeployHook:',
            ),
            namedBy.map(file => `  ${printableText(file, 4096)}`).join('\n'),
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
      next === null
        ? 'Every certificate has it among its deploy hooks already.'
        : 'Next, once for each certificate; it is uploaded, and acme.sh does the same at each renewal (no --ecc for RSA). acme.sh replaces the deploy hooks of a certificate by those it is told: name those it has too.',
    ),
    ...(next === null ? [] : [next.replace(/^/gm, '  ')]),
  ]
}

type UnsupportedClient = Exclude<FolderKind, Client>

interface Advice {
  readonly advice: string
  /** What is to be typed or added; null where nothing is. */
  readonly next: string | null
}

/** Shorter than the two minutes after which lego ends a hook. In seconds. */
const DEADLINE = 110

type Program = Pick<Call, 'node' | 'main'>

const ADVICE: Readonly<Record<UnsupportedClient, (program: Program) => Advice>> = {
  lego: ({ node, main }) => {
    const words = [node, ...(main === undefined ? [] : [main]), 'hook', '--deadline', `${DEADLINE}`]
    // lego cuts the hook at blanks, and knows no quotes
    return words.some(word => /\s/.test(word))
      ? {
          advice:
            'lego cannot call a program in a folder with a blank in its name: let `certferry watch` or `certferry sync` carry what it renews.',
          next: null,
        }
      : {
          advice:
            'lego has no file for hooks: add this to the command that renews (lego 5: --deploy-hook to `lego run`; lego 4: --run-hook to `lego run` as well):',
          next: `--renew-hook ${quoteShell(words.join(' '))}`,
        }
  },
  uacme: () => ({
    advice:
      'uacme calls its hook for challenges alone, and ends with 0 when it has a new certificate: add this to the line that renews, once for all names:',
    next: '&& certferry sync --log-level warn',
  }),
  caddy: () => ({
    advice:
      'Caddy calls nobody who could be told here: let the service watch its storage, or a timer look at it.',
    next: 'sudo systemctl enable --now certferry.service',
  }),
  traefik: () => ({
    advice: 'Traefik calls nobody: let the service watch its acme.json, or a timer look at it.',
    next: 'sudo systemctl enable --now certferry.service',
  }),
}

export const adviceFor = (client: UnsupportedClient, program: Program): Advice => ADVICE[client](program)

export const adviceText = ({ advice, next }: Advice): string =>
  `${wrap(advice, 80)}\n${next === null ? '' : `\n  ${next}\n`}`
