/** Which certificate an ACME client tells its hook of, in its environment or in words. Pure. */
import { basename, dirname, resolve } from 'node:path/posix'
import { Fault } from '../errors.ts'
import { LAYOUTS, type TreeKind } from './clients.ts'

/** A certificate of a client's folder; its files are where the client says, wherever the folder's layout has them. */
export interface HookInvocation {
  readonly kind: TreeKind
  readonly path: string
  readonly name: string
  readonly files?: { readonly chain: string; readonly key: string }
}

/** Variables that name a chain and its key: acme.sh's, those of lego 5 and those of lego 4. */
const ACME_SH = ['CERT_FULLCHAIN_PATH', 'CERT_KEY_PATH'] as const

const LEGO = [
  ['LEGO_HOOK_CERT_PATH', 'LEGO_HOOK_CERT_KEY_PATH'],
  ['LEGO_CERT_PATH', 'LEGO_CERT_KEY_PATH'],
] as const

export const CERT_KEY_VARIABLES = [ACME_SH, ...LEGO] as const

type Environment = Readonly<Record<string, string | undefined>>

/** Words speak before the environment, and certbot before the others: a variable may be left of somebody else's. */
export function parseHookInvocation(
  words: readonly string[],
  env: Environment,
  cwd: string,
): HookInvocation | 'nothing to do' | undefined {
  if (words.length) return calledWith(words, cwd)
  const { RENEWED_LINEAGE: live } = env
  if (live) {
    const path = resolve(cwd, live)
    return { kind: 'certbot', path: dirname(dirname(path)), name: basename(path) }
  }
  const files = pairIn(env, cwd, ACME_SH)
  if (files) {
    const folder = dirname(files.chain)
    return { kind: 'acme.sh', path: dirname(folder), name: basename(folder), files }
  }
  const lego = LEGO.map(pair => pairIn(env, cwd, pair)).find(Boolean)
  return lego && legoCall(lego)
}

type Pair = NonNullable<HookInvocation['files']>

function pairIn(env: Environment, cwd: string, [chain, key]: readonly [string, string]): Pair | undefined {
  const [first, second] = [env[chain], env[key]]
  return first && second ? { chain: resolve(cwd, first), key: resolve(cwd, second) } : undefined
}

function legoCall(files: Pair): HookInvocation {
  const file = basename(files.chain)
  const name = LAYOUTS.lego.nameOf(file) ?? file
  return { kind: 'lego', path: dirname(dirname(files.chain)), name, files }
}

/** As dehydrated calls its hooks: the name of an operation, and its facts. */
function calledWith([verb = '', ...facts]: readonly string[], cwd: string): HookInvocation | 'nothing to do' {
  if (verb === 'deploy_cert') return dehydratedCall(facts, cwd)
  // uacme takes exit 0 for "the challenge is answered"
  if (['begin', 'done', 'failed'].includes(verb) && facts.length === 4)
    throw new Fault('USAGE', 'hook answers no challenges: this is what uacme calls its --hook for', {
      advice: 'Run certferry after uacme instead, when it ends with 0: docs/clients.md.',
    })
  // startup_hook, deploy_challenge, exit_hook, and what dehydrated may think of later: unknown ones are to be ignored
  if (/^[a-z_]+$/.test(verb)) return 'nothing to do'
  throw new Fault('USAGE', `hook takes no operand "${verb}"`, { advice: 'See certferry hook --help.' })
}

function dehydratedCall([domain, key, leaf, chain]: readonly string[], cwd: string): HookInvocation {
  if (!domain || !key || !leaf || !chain)
    throw new Fault(
      'USAGE',
      'deploy_cert needs the words that dehydrated gives: domain, key, certificate, full chain',
      { advice: 'Give the hook all words: certferry hook "$@".' },
    )
  const files = { chain: resolve(cwd, chain), key: resolve(cwd, key) }
  const folder = dirname(files.chain)
  return { kind: 'dehydrated', path: dirname(folder), name: basename(folder), files }
}
