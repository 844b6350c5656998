/** certbot's folders in any number, by calls that wait for nobody: at ten thousand lineages the others take minutes. */
import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONTENT, KINDS, renewalConf, treeOf } from '../test/fixtures/certbotTree.ts'
import type { Pair } from '../test/fixtures/certificates.ts'

/** In order, and of equal length, so that a listing is in order too. */
export const nameOf = (i: number) => `host${String(i).padStart(6, '0')}.example.com`

/** Writes lineages `from` to `from + count`, with these pairs over and over. */
export function writeTree(root: string, count: number, pairs: readonly Pair[], from = 0): string {
  for (const folder of ['live', 'archive', 'renewal']) mkdirSync(join(root, folder), { recursive: true })
  for (let i = from; i < from + count; i++) {
    const pair = pairs[i % pairs.length]
    if (!pair) throw new RangeError('no certificates to write')
    const tree = treeOf(root, nameOf(i))
    mkdirSync(tree.archive)
    mkdirSync(tree.live)
    for (const kind of KINDS) {
      writeFileSync(tree.archived(kind, 1), CONTENT[kind](pair), { mode: kind === 'privkey' ? 0o600 : 0o644 })
      symlinkSync(tree.target(kind, 1), tree.link(kind))
    }
    writeFileSync(tree.conf, renewalConf(tree))
  }
  return root
}

/** Only what is looked at, and the files shared: a hundred thousand whole lineages would be a million files. */
export function writeSparseTree(root: string, count: number, pairs: readonly Pair[], from = 0): string {
  for (const folder of ['live', 'archive']) mkdirSync(join(root, folder), { recursive: true })
  for (const [i, pair] of pairs.entries())
    for (const kind of ['fullchain', 'privkey'] as const)
      writeFileSync(join(root, 'archive', `${kind}${i}.pem`), CONTENT[kind](pair), { mode: 0o600 })
  for (let i = from; i < from + count; i++) {
    const live = join(root, 'live', nameOf(i))
    mkdirSync(live)
    for (const kind of ['fullchain', 'privkey'] as const)
      symlinkSync(`../../archive/${kind}${i % pairs.length}.pem`, join(live, `${kind}.pem`))
  }
  return root
}

/** A renewal that has long been written: another number, and the links to it. */
export function renewTree(root: string, i: number, pair: Pair, version: number): void {
  const tree = treeOf(root, nameOf(i))
  for (const kind of KINDS) {
    writeFileSync(tree.archived(kind, version), CONTENT[kind](pair), { mode: 0o600 })
    unlinkSync(tree.link(kind))
    symlinkSync(tree.target(kind, version), tree.link(kind))
  }
}
