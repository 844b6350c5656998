/** Lineages on disk that were all uploaded and recorded by the program itself: what a pass finds on a quiet day. */
import { setTimeout } from 'node:timers/promises'
import { openService } from './localService.ts'
import { type Environment, used } from './process.ts'
import { BUILT } from './programs.ts'
import { writeSparseTree, writeTree } from './trees.ts'
import type { Workplace } from './workplace.ts'

export interface Estate {
  readonly roots: readonly string[]
  readonly state: string
  /** For a command line of the program. */
  readonly words: readonly string[]
}

/** As many certificates are in it, each at many lineages: they are uploaded once and recorded for each. */
const CERTIFICATES = 50
/** After this long no file counts as just written. In milliseconds. */
const AGED = 3_000
/** Receipts are written one after another by a process, and this machine may have more than one core. */
const HALVES = 2

export const sourcesOf = (roots: readonly string[]): readonly string[] =>
  roots.flatMap(root => ['--source', `certbot=${root}`])

export interface EstateWishes {
  readonly lineages: number
  /** Certificates shared and all of it in memory, for numbers that a disk would take minutes to take. */
  readonly sparse?: boolean
}

const shared = new WeakMap<Workplace, Map<number, Promise<Estate>>>()

/** One for all rows that leave it as it is. */
export function sharedEstate(workplace: Workplace, lineages: number): Promise<Estate> {
  const estates = shared.get(workplace) ?? new Map<number, Promise<Estate>>()
  shared.set(workplace, estates)
  const estate = estates.get(lineages) ?? openEstate(workplace, { lineages })
  estates.set(lineages, estate)
  return estate
}

export async function openEstate(workplace: Workplace, { lineages, sparse }: EstateWishes): Promise<Estate> {
  const { pool } = workplace
  const place = sparse ? workplace.placeInMemory : workplace.place
  const pairs = await pool.fresh(Math.min(CERTIFICATES, lineages))
  const share = Math.ceil(lineages / HALVES)
  const shares = [share, lineages - share].filter(count => count > 0)
  const write = sparse ? writeSparseTree : writeTree
  const roots = shares.map((count, i) => write(place('letsencrypt'), count, pairs, i * share))
  // where no disk is waited for: making ten thousand receipts is not what is measured, and reading them is the same
  const state = workplace.placeInMemory('state')
  await setTimeout(AGED)
  const service = await openService()
  try {
    await Promise.all(roots.map(root => carry([root], state, service.environment)))
  } finally {
    await service.close()
  }
  return { roots, state, words: [...sourcesOf(roots), '--state-dir', state] }
}

/** One pass of the program that uploads what is there, as fast as it may. */
export const carry = (roots: readonly string[], state: string, env: Environment) =>
  used([...BUILT, 'sync', '--rate', '1000', ...sourcesOf(roots), '--state-dir', state], { env })

/** Waits until no file that has just been written counts as such. */
export const aged = () => setTimeout(AGED)
