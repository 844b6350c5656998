/** What the operator does where a client's hook is no file that could be put somewhere, or where there is none. Pure. */
import { wrap } from './columns.ts'
import type { Call, Client } from './hookFile.ts'
import type { FolderKind } from './lineage.ts'
import { quoteShell } from './shellWord.ts'

export type UnsupportedClient = Exclude<FolderKind, Client>

export interface Advice {
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
