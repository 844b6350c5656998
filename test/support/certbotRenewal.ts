/** How certbot renews: new numbers into archive/NAME, then every link of live/NAME to them, one by one. */
import {
  chmod,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { basename } from 'node:path'
import { CONTENT, KINDS, type Kind, renewalConf, type Tree, treeOf } from './certbotTree.ts'
import type { Pair } from './certificates.ts'
import { type Step, step, written } from './steps.ts'

/** One more than the highest number of any kind, whatever the links say. */
async function nextVersion({ archive }: Tree): Promise<number> {
  const numbers = (await readdir(archive)).map(name => Number(/(\d+)\.pem$/.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers) + 1
}

/** Asked for when a step first needs it, and then kept: the steps are listed before the tree is there. */
function remembered(ask: () => Promise<number>): () => Promise<number> {
  let answer: Promise<number> | undefined
  return () => {
    answer ??= ask()
    return answer
  }
}

type Version = () => Promise<number>

const archived = (tree: Tree, pair: Pair, version: Version) => (kind: Kind) =>
  written({
    file: kind,
    path: async () => tree.archived(kind, await version()),
    text: () => CONTENT[kind](pair),
    mode: kind === 'privkey' ? 0o600 : 0o666,
  })

/** What an administrator opened on the old key, group bits and reading by all, is opened on the new one. */
const inheritMode = (tree: Tree, version: Version) =>
  step('mode privkey', async () => {
    const { mode } = await stat(tree.link('privkey'))
    await chmod(tree.archived('privkey', await version()), 0o600 | (mode & 0o074))
  })

const keepKey = (tree: Tree, version: Version) =>
  step('link privkey in archive', async () => {
    const old = basename(await realpath(tree.link('privkey')))
    await symlink(old, tree.archived('privkey', await version()))
  })

const renewalConfStep = (tree: Tree) =>
  step('renewal conf', async () => {
    await writeFile(`${tree.conf}.new`, renewalConf(tree))
    await rename(`${tree.conf}.new`, tree.conf)
  })

function linkTo(tree: Tree, version: Version): readonly Step[] {
  return [
    ...KINDS.map(kind =>
      // absolute, unlike the links they remember
      step(`previous_${kind}`, async () => symlink(await realpath(tree.link(kind)), tree.previous(kind))),
    ),
    ...KINDS.flatMap(kind => [
      step(`unlink ${kind}`, () => unlink(tree.link(kind))),
      step(`link ${kind}`, async () => symlink(tree.target(kind, await version()), tree.link(kind))),
    ]),
    ...KINDS.map(kind => step(`remove previous_${kind}`, () => unlink(tree.previous(kind)))),
  ]
}

export interface CertbotRenewal {
  /** The new number of the key is a link to the old one, as with --reuse-key in some versions. */
  readonly linkKey?: boolean
}

export function certbotRenew(
  root: string,
  lineage: string,
  pair: Pair,
  { linkKey = false }: CertbotRenewal = {},
): readonly Step[] {
  const tree = treeOf(root, lineage)
  const version = remembered(() => nextVersion(tree))
  const put = archived(tree, pair, version)
  return [
    // The key comes first and the whole chain last; nothing of this shows in live/NAME yet.
    ...(linkKey ? [keepKey(tree, version)] : [...put('privkey'), inheritMode(tree, version)]),
    ...put('cert'),
    ...put('chain'),
    ...put('fullchain'),
    renewalConfStep(tree),
    ...linkTo(tree, version),
  ]
}

/** Moves the links alone, forwards or back, as certbot does when it repairs a tree. */
export const certbotLink = (root: string, lineage: string, version: number): readonly Step[] =>
  linkTo(treeOf(root, lineage), async () => version)

export function certbotDelete(root: string, lineage: string): readonly Step[] {
  const { conf, live, archive, link } = treeOf(root, lineage)
  return [
    step('remove renewal conf', () => unlink(conf)),
    ...KINDS.map(kind => step(`unlink ${kind}`, () => unlink(link(kind)))),
    step('remove live', async () => {
      await rm(`${live}/README`)
      await rmdir(live)
    }),
    step('remove archive', () => rm(archive, { recursive: true })),
  ]
}
