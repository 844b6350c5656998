/** From the changes a client made on a disk to a recording: what concerns certificates, named for any place and time. */
import { X509Certificate } from 'node:crypto'
import { join, relative } from 'node:path'
import { certificatesIn } from '../fixtures/identity.ts'
import type { Act, Holding } from '../fixtures/recording.ts'
import type { Change } from './tracedDisk.ts'

export interface Scene {
  readonly root: string
  /** The certificate's name below it. */
  readonly name: string
  /** Below the root: what else lies there is the client's own business. */
  readonly folders: readonly string[]
}

/** Numbers what differs from run to run by the order in which it is met. */
export type Namer = (text: string) => string

export function openNamer({ root, name }: Pick<Scene, 'root' | 'name'>): Namer {
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

/** Writes that follow one another into one file are one: how a client's library cuts them is nobody's promise. */
export function recorded(changes: readonly Change[], scene: Scene, namer: Namer): readonly Act[] {
  const { root, folders } = scene
  const within = (path: string) => folders.some(folder => `${path}/`.startsWith(join(root, folder, '/')))
  const concerning = changes.filter(({ path }) => within(path))
  const bearing = bearers(concerning)
  const relevant = concerning.filter(change => !ofContent(change) || bearing.has(change.path))
  return relevant
    .filter((change, i) => change.do !== 'write' || !continues(change, relevant[i + 1]))
    .map(change => actOf(change, path => namer(relative(root, path)), namer))
}

const ofContent = (change: Change) => !['mkdir', 'rmdir', 'rename', 'symlink', 'link'].includes(change.do)

const continues = (change: Change, next: Change | undefined) =>
  next?.do === 'write' && next.path === change.path

/** Files that ever hold a certificate or a key, by whatever name, and links. */
function bearers(changes: readonly Change[]): ReadonlySet<string> {
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

export function holdingOf(text: string): Holding {
  const certificates = certificatesIn(text).map(der => new X509Certificate(der))
  if (!certificates.length) return /-----BEGIN (\w+ )?PRIVATE KEY-----/.test(text) ? 'key' : 'other'
  if (certificates[0]?.ca) return 'intermediates'
  return certificates.length === 1 ? 'leaf' : 'chain'
}
