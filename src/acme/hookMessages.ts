/** The output of install-hook: what was done, and what the operator does next. Pure. */
import { printableText, quoteShell, wrap } from '../terminal/text.ts'
import { domainOf, type FolderKind, type HookFileClient } from './clients.ts'
import type { Program } from './hookScripts.ts'

export interface Installation {
  readonly client: HookFileClient
  readonly file: string
  readonly outcome: 'written' | 'replaced' | 'unchanged' | 'removed' | 'absent'
  /** Nothing was changed; `outcome` is what a real run would do. */
  readonly dryRun: boolean
  /** The text of the hook; null if it is removed. */
  readonly text: string | null
  /** Commands the operator runs next, one a line; null if there are none. */
  readonly next: string | null
  /** Files of acme.sh that still name the removed hook. */
  readonly namedBy: readonly string[]
}

interface Deployment {
  /** The path of acme.sh; undefined if unknown. */
  readonly script?: string | undefined
  /** Set only if they differ from acme.sh's defaults. */
  readonly home?: string | undefined
  readonly config?: string | undefined
  /** The name of the certificate's folder. */
  readonly name: string
  /** Its present deploy hooks: acme.sh replaces them by those on the command line. */
  readonly hooks?: readonly string[] | undefined
}

export function deployCommand({ script = 'acme.sh', home, config, name, hooks = [] }: Deployment): string {
  const options = [...(home ? ['--home', home] : []), ...(config ? ['--config-home', config] : [])]
  const domain = ['--deploy', '-d', domainOf(name), ...(name.endsWith('_ecc') ? ['--ecc'] : [])]
  return [script, ...options, ...domain, '--deploy-hook', [...hooks, 'certferry'].join(',')]
    .map(quoteShell)
    .join(' ')
}

const HEADINGS = {
  written: ['written', 'would be written'],
  replaced: ['replaced by a newer one', 'would be replaced by a newer one'],
  unchanged: ['already installed', 'already installed'],
  removed: ['removed', 'would be removed'],
  absent: ['not installed', 'not installed'],
} as const

export function installationText(installation: Installation): string {
  const { outcome, file, dryRun, text } = installation
  const heading = `${printableText(file, 4096)}: ${HEADINGS[outcome][dryRun ? 1 : 0]}`
  const shown = dryRun && text ? [text.trimEnd()] : []
  return `${[heading, ...shown, ...nextSteps(installation)].join('\n\n')}\n`
}

const paragraph = (text: string) => wrap(text, 80)

function nextSteps({ client, outcome, next, namedBy }: Installation): readonly string[] {
  if (outcome === 'removed' || outcome === 'absent') {
    const without = paragraph(`Without the hook, run \`certferry sync\` to upload ${client} renewals.`)
    if (!namedBy.length) return [without]
    const named = paragraph(
      'These files still name it, and acme.sh reports an error at each renewal until you remove "certferry" from their line Le_DeployHook:',
    )
    return [without, named, namedBy.map(file => `  ${printableText(file, 4096)}`).join('\n')]
  }
  if (client !== 'acme.sh') return [paragraph(CALLED[client])]
  if (next === null) return [paragraph('Every certificate already has it among its deploy hooks.')]
  return [paragraph(DEPLOY), next.replace(/^/gm, '  ')]
}

const CALLED = {
  certbot:
    'certbot runs it at each renewal from now on, and its output shows the certificate ID. Run `certferry sync` to upload existing certificates, and first certificates with certbot before 5.3.',
  dehydrated:
    'dehydrated calls it at each renewal from now on, and its output shows the certificate ID. Run `certferry sync` to upload existing certificates.',
}

const DEPLOY =
  'Next, run this once for each certificate (without --ecc for RSA). It uploads the certificate, and acme.sh does the same at each renewal. acme.sh replaces the deploy hooks of a certificate by those in the command, so include those it already has.'

interface Advice {
  readonly advice: string
  /** The option or command to add; null if there is none. */
  readonly next: string | null
}

const START_SERVICE = 'sudo systemctl enable --now certferry.service'

/** For clients whose hook is not a file. */
const ADVICE = {
  lego: legoAdvice,
  uacme: () => ({
    advice:
      'uacme calls its hook for challenges only, and exits with 0 when it has a new certificate. Add this once to the end of the command line that renews:',
    next: '&& certferry sync --quiet',
  }),
  caddy: () => ({
    advice: 'Caddy calls no hook after a renewal. Run the service, which watches its storage, or the timer:',
    next: START_SERVICE,
  }),
  traefik: () => ({
    advice:
      'Traefik calls no hook after a renewal. Run the service, which watches its acme.json, or the timer:',
    next: START_SERVICE,
  }),
} satisfies Readonly<Record<Exclude<FolderKind, HookFileClient>, (program: Program) => Advice>>

function legoAdvice({ node, main }: Program): Advice {
  // lego kills a hook after two minutes
  const words = [node, main ?? [], 'hook', '--deadline', '110'].flat()
  // lego splits the hook at blanks and does not support quotes
  if (words.some(word => /\s/.test(word)))
    return {
      advice:
        'lego cannot call a program in a folder with a blank in its name. Run `certferry watch`, or `certferry sync` from a timer, to upload its renewals.',
      next: null,
    }
  return {
    advice:
      'lego has no hook directory. Add this option to the command that renews (lego 5: --deploy-hook to `lego run`; lego 4: also --run-hook to `lego run`):',
    next: `--renew-hook ${quoteShell(words.join(' '))}`,
  }
}

export const adviceFor = (client: keyof typeof ADVICE, program: Program): Advice => ADVICE[client](program)

export const adviceText = ({ advice, next }: Advice): string =>
  `${wrap(advice, 80)}\n${next === null ? '' : `\n  ${next}\n`}`
