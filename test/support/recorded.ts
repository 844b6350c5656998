/** Replays what a real client was seen to do, with certificates of our own. Touches the disk. */
import { chmod, link, mkdir, rename, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Source } from '../../src/config/settings.ts'
import type { Pair } from './certificates.ts'
import type { Act, Client, Holding } from './recording.ts'
import { filling, type Step, step } from './steps.ts'

export type Contents = Pick<Pair, 'key' | 'leaf' | 'chain' | 'intermediate'>

export interface Place {
  /** The client's folder. */
  readonly root: string
  /** The certificate's own name in it. */
  readonly name: string
}

/** Where certferry is told to look for a client's certificate. */
export function sourceOf(client: Client, { root }: Pick<Place, 'root'>): Source {
  switch (client) {
    case 'acme.sh-new-keys':
      return { kind: 'acme.sh', path: root, keys: {} }
    case 'dehydrated':
      return { kind: client, path: join(root, 'certs'), keys: {} }
    default:
      return { kind: client, path: root, keys: {} }
  }
}

const HELD: Readonly<Record<Holding, (pair: Contents) => string>> = {
  key: pair => pair.key,
  leaf: pair => pair.leaf,
  chain: pair => pair.chain,
  intermediates: pair => pair.intermediate,
  other: () => 'neither a certificate nor a key\n',
}

export function recordedSteps(acts: readonly Act[], place: Place, pair: Contents): readonly Step[] {
  const named = (text: string) => text.replaceAll('NAME', place.name).replace('ROOT', place.root)
  const on = (path: string) => join(place.root, named(path))
  // folders above the recorded ones are made at another time, or by another command of the client's
  const first = step('root', async () => void (await mkdir(place.root, { recursive: true })))
  return [first, ...acts.map(act => stepOf(act, { named, on, pair }))]
}

interface Setting {
  readonly named: (text: string) => string
  readonly on: (path: string) => string
  readonly pair: Contents
}

function stepOf(act: Act, { named, on, pair }: Setting): Step {
  const path = on(act.path)
  const name = `${act.do} ${named(act.path)}`
  switch (act.do) {
    case 'mkdir':
      return step(name, async () => void (await mkdir(path, { recursive: true })))
    case 'rmdir':
      return step(name, () => rmdir(path))
    case 'create':
      return step(name, async () => {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, '')
      })
    case 'empty':
      return step(name, () => writeFile(path, ''))
    case 'unlink':
      return step(name, () => unlink(path))
    case 'write':
      return filling(name, { path: () => path, text: () => HELD[act.holding](pair) })
    case 'chmod':
      return step(name, () => chmod(path, act.mode))
    case 'rename':
      return step(name, () => rename(on(act.from), path))
    case 'link':
      return step(name, () => link(on(act.from), path))
    case 'symlink':
      return step(name, () => symlink(named(act.from), path))
  }
}
