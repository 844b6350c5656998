/** What a fault has cost: certificates lost or stored twice, and kept things told. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DEMO_CREDENTIALS, type Emulator } from '../../../src/emulator/server.ts'
import type { Receipt } from '../../../src/receipts/receipt.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { receiptsIn } from '../../fixtures/state.ts'
import { isAside, type Past, supersededOf } from './earlierState.ts'
import type { Planted, Trees } from './trees.ts'

export interface Account {
  /** Lineages that are not stored, or whose receipt is not whole and right. */
  readonly lost: readonly string[]
  /** Certificates stored more than once. */
  readonly duplicated: readonly string[]
  readonly leaked: readonly string[]
  /** Files that are not the database, and a database that is another user's. */
  readonly left: readonly string[]
}

export interface Books {
  readonly stateDir: string
  readonly emulator: Emulator
  readonly trees: Trees
  /** Undefined where the receipts' history is not known beforehand. */
  readonly past: Past | undefined
}

/** Reads and changes nothing. */
export async function missingIn({ stateDir, emulator, trees, past }: Books): Promise<readonly string[]> {
  const receipts = await receiptsIn(stateDir)
  const stored = emulator.certificates()
  const isRight = (one: Planted, i: number) => {
    const receipt = receipts.find(({ lineage }) => lineage === one.id)
    const ids = stored.flatMap(({ fingerprint, id }) => (fingerprint === one.leaf ? [id] : []))
    return (
      receipt !== undefined && tells(receipt, one, ids) && (past === undefined || remembers(receipt, past, i))
    )
  }
  return trees
    .planted()
    .filter((one, i) => !isRight(one, i))
    .map(({ id }) => id)
}

const tells = ({ uploaded }: Receipt, { leaf, fingerprint }: Planted, ids: readonly string[]) =>
  uploaded !== undefined &&
  ids.includes(uploaded.certificateId) &&
  uploaded.leaf === leaf &&
  uploaded.fingerprint === fingerprint

const remembers = ({ superseded }: Receipt, past: Past, index: number) =>
  superseded.map(({ certificateId }) => certificateId).join() === supersededOf(past, index).join()

/** To be asked once all is healed. */
export async function accountOf(books: Books, texts: readonly string[]): Promise<Account> {
  const { stateDir, emulator, trees } = books
  const files = await filesIn(stateDir)
  const leaked = leaksIn([...texts, ...files.map(({ path, text }) => path + text)].join('\n'), {
    keys: trees.planted().map(({ pair }) => pair.key),
    secrets: [DEMO_CREDENTIALS.secretKey],
  })
  const stored = emulator.certificates().map(({ fingerprint }) => fingerprint)
  const lost = await missingIn(books)
  const { uid } = await stat(stateDir)
  const isStrange = ({ path, owner }: File) =>
    path === 'state.db' || path === 'state.db-journal' ? owner !== uid : !isAside(path)
  return {
    lost,
    duplicated: stored.filter((leaf, i) => stored.indexOf(leaf) < i),
    leaked,
    left: (await filesIn(stateDir)).filter(isStrange).map(({ path }) => path),
  }
}

interface File {
  readonly path: string
  readonly text: string
  readonly owner: number
}

/** Everything below the directory, temporary things too. */
async function filesIn(dir: string): Promise<readonly File[]> {
  const names = await readdir(dir, { recursive: true })
  const files = names.map(async path => {
    const found = await stat(join(dir, path)).catch(() => undefined)
    const text = found?.isFile() ? await readFile(join(dir, path), 'utf8') : ''
    return { path, text, owner: found?.uid ?? 0 }
  })
  return Promise.all(files)
}
