/**
 * A look at receipts that changes nothing and waits for nobody. Their names are taken from the directory and not made anew:
 * that spares a digest for each, and with it OpenSSL, which takes a fifth of a bare start to load.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../errors.ts'
import { insideState } from '../files/heldFolder.ts'
import { fileStemIn, fileStemOf, parseReceipt } from './codec.ts'
import type { Receipt } from './receipt.ts'
import { contentOf } from './store.ts'

/** Undefined where there is none, or none that can be had just so. */
type Recall = (lineage: string) => Receipt | undefined

/** Does something with the receipts as they stand now. What another process records meanwhile may be missed. */
export function peek<T>(dir: string, work: (recall: Recall) => T): T {
  try {
    return insideState(dir, held => work(recallFrom(held)))
  } catch (error) {
    // whoever comes to record something will say what is wrong
    if (error instanceof Fault || (error as NodeJS.ErrnoException).code) return work(() => undefined)
    throw error
  }
}

function recallFrom(held: string): Recall {
  const names = new Map<string, string[]>()
  for (const name of readdirSync(held)) {
    const title = fileStemIn(name)
    if (title === undefined) continue
    const others = names.get(title)
    if (others) others.push(name)
    else names.set(title, [name])
  }
  return lineage => {
    const found = (names.get(fileStemOf(lineage)) ?? []).flatMap(
      name => receiptAt(join(held, name), lineage) ?? [],
    )
    // a copy that somebody made under another name: which of them counts, only the digest tells
    return found.length === 1 ? found[0] : undefined
  }
}

function receiptAt(path: string, lineage: string): Receipt | undefined {
  try {
    return parseReceipt(contentOf(path) ?? '', lineage)
  } catch {
    return undefined
  }
}
