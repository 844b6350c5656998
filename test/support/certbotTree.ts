/** certbot's directories, and how the first certificate comes into them: live/NAME links to files in archive/NAME. */
import { mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Pair } from './certificates.ts'
import { type Step, step, written } from './steps.ts'

/** In certbot's own order, which every loop over them keeps: fullchain is the last link to move. */
export const KINDS = ['cert', 'privkey', 'chain', 'fullchain'] as const
export type Kind = (typeof KINDS)[number]

export const CONTENT: Readonly<Record<Kind, (pair: Pair) => string>> = {
  cert: pair => pair.leaf,
  privkey: pair => pair.key,
  chain: pair => pair.intermediate,
  fullchain: pair => pair.chain,
}

export interface Tree {
  readonly archive: string
  readonly live: string
  readonly conf: string
  readonly archived: (kind: Kind, version: number) => string
  readonly link: (kind: Kind) => string
  readonly target: (kind: Kind, version: number) => string
  readonly previous: (kind: Kind) => string
}

export function treeOf(root: string, lineage: string): Tree {
  const archive = resolve(root, 'archive', lineage)
  const live = resolve(root, 'live', lineage)
  return {
    archive,
    live,
    conf: resolve(root, 'renewal', `${lineage}.conf`),
    archived: (kind, version) => join(archive, `${kind}${version}.pem`),
    link: kind => join(live, `${kind}.pem`),
    // relative, so that the whole tree can be moved or mounted elsewhere
    target: (kind, version) => `../../archive/${lineage}/${kind}${version}.pem`,
    previous: kind => join(live, `previous_${kind}.pem`),
  }
}

const ensure = async (path: string, mode?: number): Promise<void> => {
  await mkdir(path, { recursive: true, ...(mode === undefined ? {} : { mode }) })
}

const README = 'This directory contains your keys and certificates.\n'

export const renewalConf = (tree: Tree) =>
  ['version = 2.1.0', `archive_dir = ${tree.archive}`]
    .concat(KINDS.map(kind => `${kind} = ${tree.link(kind)}`))
    .concat('', '# Options used in the renewal process', '[renewalparams]', 'authenticator = standalone', '')
    .join('\n')

function directories(root: string, tree: Tree): readonly Step[] {
  return [
    {
      name: 'directories',
      run: async () => {
        for (const name of ['renewal', 'archive', 'live']) await ensure(resolve(root, name), 0o700)
        await writeFile(tree.conf, '')
        await writeFile(resolve(root, 'live', 'README'), README)
      },
    },
    { name: 'archive directory', run: () => ensure(tree.archive) },
    { name: 'live directory', run: () => ensure(tree.live) },
  ]
}

/** The first issuance. The links are there, dangling, before anything they point at. */
export function certbotIssue(root: string, lineage: string, pair: Pair): readonly Step[] {
  const tree = treeOf(root, lineage)
  const through = (kind: Kind) =>
    written({
      file: kind,
      // certbot writes the key to its place in the archive and the others through their links.
      path: () => (kind === 'privkey' ? tree.archived(kind, 1) : tree.link(kind)),
      text: () => CONTENT[kind](pair),
      mode: kind === 'privkey' ? 0o600 : 0o666,
    })
  return [
    ...directories(root, tree),
    ...KINDS.map(kind => step(`link ${kind}`, () => symlink(tree.target(kind, 1), tree.link(kind)))),
    ...KINDS.flatMap(through),
    step('README', () => writeFile(join(tree.live, 'README'), README)),
    step('renewal conf', () => writeFile(tree.conf, renewalConf(tree))),
  ]
}

/** The number that live/NAME/fullchain.pem points at. */
export async function currentVersion(root: string, lineage: string): Promise<number> {
  const target = await readlink(treeOf(root, lineage).link('fullchain'))
  return Number(/(\d+)\.pem$/.exec(target)?.[1])
}
