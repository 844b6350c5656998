/** Makes a recording of the changes that a client made: what concerns certificates, with names that do not vary from run to run. */
import { X509Certificate } from 'node:crypto'
import { join, relative } from 'node:path'
import { certificatesIn } from '../fixtures/identity.ts'
import type { Act, Holding } from '../fixtures/recording.ts'
import type { Change } from './strace.ts'

/** What a recording follows. */
export interface Scope {
  readonly root: string
  /** The certificate's name below it. */
  readonly name: string
  /** Below the root: what else is there is the client's own business. */
  readonly folders: readonly string[]
}

/** Numbers what differs from run to run by the order in which it is met. */
type Namer = (text: string) => string

export function openNamer({ root, name }: Pick<Scope, 'root' | 'name'>): Namer {
  const numbers = new Map<string, string>()
  const number = (kind: string) => (text: string) => {
    const known =
      numbers.get(text) ?? `${kind}${[...numbers.values()].filter(one => one.startsWith(kind)).length + 1}`
    numbers.set(text, known)
    return known
  }
  return text =>
    text
      .replaceAll(root, 'ROOT')
      .replaceAll(name, 'NAME')
      // Caddy's folder for certificates of a server, which has another port each time
      .replace(/(?<=\/)localhost-\d+-dir/g, 'ISSUER')
      // seconds since 1970, and the names that `ln -f` makes before it renames
      .replace(/\d{10}/g, number('TIME'))
      .replace(/(?<=\/)Cu[A-Za-z0-9]{6}$/, number('RANDOM'))
}

/** Consecutive writes into one file are one: how a client's library cuts them may change. */
export function recorded(changes: readonly Change[], scope: Scope, namer: Namer): readonly Act[] {
  const { root, folders } = scope
  const within = (path: string) => folders.some(folder => `${path}/`.startsWith(join(root, folder, '/')))
  const concerning = changes.filter(({ path }) => within(path))
  const holders = holdersIn(concerning)
  const relevant = concerning.filter(change => !isOfContent(change) || holders.has(change.path))
  return relevant
    .filter((change, i) => change.do !== 'write' || !continues(change, relevant[i + 1]))
    .map(change => actOf(change, path => namer(relative(root, path)), namer))
}

const isOfContent = (change: Change) => !['mkdir', 'rmdir', 'rename', 'symlink', 'link'].includes(change.do)

const continues = (change: Change, next: Change | undefined) =>
  next?.do === 'write' && next.path === change.path

/** Files that ever hold a certificate or a key, by whatever name, and links. */
function holdersIn(changes: readonly Change[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const change of changes) {
    if (change.do === 'symlink') found.add(change.path)
    if (change.do === 'write' && holdingOf(change.text) !== 'other') found.add(change.path)
    if ((change.do === 'rename' || change.do === 'link') && found.has(change.from)) found.add(change.path)
  }
  return found
}

function actOf(change: Change, short: (path: string) => string, namer: Namer): Act {
  const path = short(change.path)
  switch (change.do) {
    case 'write':
      return { do: 'write', path, holding: holdingOf(change.text) }
    case 'rename':
    case 'link':
      return { do: change.do, path, from: short(change.from) }
    case 'symlink':
      return { do: 'symlink', path, from: namer(change.from) }
    default:
      return { ...change, path }
  }
}

function holdingOf(text: string): Holding {
  const certificates = certificatesIn(text).map(der => new X509Certificate(der))
  if (!certificates.length) return /-----BEGIN (\w+ )?PRIVATE KEY-----/.test(text) ? 'key' : 'other'
  if (certificates[0]?.ca) return 'intermediates'
  return certificates.length === 1 ? 'leaf' : 'chain'
}
