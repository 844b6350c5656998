/** Finds the certificate for which an ACME client called its hook, from the environment or the arguments. Pure. */
import { basename, dirname, resolve } from 'node:path/posix'
import { Fault } from '../errors.ts'
import { CLIENTS, type TreeKind } from './clients.ts'

/** A certificate in a client's folder. `files` are the paths the client passed, which may differ from its usual layout. */
export interface HookInvocation {
  readonly kind: TreeKind
  readonly path: string
  readonly name: string
  readonly files?: { readonly chain: string; readonly key: string }
}

/** Variables that hold the paths of chain and key: of acme.sh, lego 5 and lego 4. */
const ACME_SH = ['CERT_FULLCHAIN_PATH', 'CERT_KEY_PATH'] as const

const LEGO = [
  ['LEGO_HOOK_CERT_PATH', 'LEGO_HOOK_CERT_KEY_PATH'],
  ['LEGO_CERT_PATH', 'LEGO_CERT_KEY_PATH'],
] as const

export const CERT_KEY_VARIABLES = [ACME_SH, ...LEGO] as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Arguments take precedence over the environment, and certbot's variable over the others: a variable may be inherited from
 * another client.
 */
export function parseHookInvocation(
  words: readonly string[],
  env: Environment,
  cwd: string,
): HookInvocation | 'ignored' | undefined {
  if (words.length) return calledWith(words, cwd)
  if (env.RENEWED_LINEAGE) {
    const path = resolve(cwd, env.RENEWED_LINEAGE)
    return { kind: 'certbot', path: dirname(dirname(path)), name: basename(path) }
  }
  const files = pairIn(env, cwd, ACME_SH)
  if (files) return inFolderOf('acme.sh', files)
  const lego = LEGO.map(pair => pairIn(env, cwd, pair)).find(Boolean)
  if (!lego) return undefined
  const file = basename(lego.chain)
  const name = CLIENTS.lego.nameOf(file) ?? file
  return { kind: 'lego', path: dirname(dirname(lego.chain)), name, files: lego }
}

/** acme.sh and dehydrated name the folder after the lineage. */
function inFolderOf(kind: 'acme.sh' | 'dehydrated', files: Pair): HookInvocation {
  const folder = dirname(files.chain)
  return { kind, path: dirname(folder), name: basename(folder), files }
}

type Pair = NonNullable<HookInvocation['files']>

function pairIn(env: Environment, cwd: string, [chain, key]: readonly [string, string]): Pair | undefined {
  const [first, second] = [env[chain], env[key]]
  return first && second ? { chain: resolve(cwd, first), key: resolve(cwd, second) } : undefined
}

/** dehydrated calls its hook with the name of an operation and its arguments. */
function calledWith([verb = '', ...rest]: readonly string[], cwd: string): HookInvocation | 'ignored' {
  if (verb === 'deploy_cert') return dehydratedCall(rest, cwd)
  // uacme takes exit 0 as "the challenge was answered"
  if (['begin', 'done', 'failed'].includes(verb) && rest.length === 4)
    throw new Fault(
      'USAGE',
      'certferry hook does not answer challenges, which is what uacme calls its --hook for',
      { advice: 'Run certferry after uacme instead, if it exits with 0: docs/clients.md.' },
    )
  // startup_hook, deploy_challenge, exit_hook; dehydrated requires that hooks ignore unknown operations
  if (/^[a-z_]+$/.test(verb)) return 'ignored'
  throw new Fault('USAGE', `hook does not accept the operand "${verb}"`, {
    advice: 'See certferry hook --help.',
  })
}

function dehydratedCall([domain, key, leaf, chain]: readonly string[], cwd: string): HookInvocation {
  if (!domain || !key || !leaf || !chain)
    throw new Fault(
      'USAGE',
      'deploy_cert needs the arguments that dehydrated passes: domain, key, certificate, full chain',
      { advice: 'Pass all arguments to the hook: certferry hook "$@".' },
    )
  return inFolderOf('dehydrated', { chain: resolve(cwd, chain), key: resolve(cwd, key) })
}
