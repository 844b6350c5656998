/** Reckons up after a run: what the service holds, what the receipts say, and what was told to nobody. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Emulator } from '../../../src/emulator/server.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
import { receiptsIn } from '../../fixtures/state.ts'
import type { Forest } from './lineageFixtures.ts'

const SECRET_KEY = 'sk-5d0c1e-secret-of-the-far-side'
const TOKEN = 'tk-a81f77-token-of-the-far-side'
export const ACCOUNTS = { tester: { secretKey: SECRET_KEY, token: TOKEN } }
export const KEYS = {
  TENCENTCLOUD_SECRET_ID: 'tester',
  TENCENTCLOUD_SECRET_KEY: SECRET_KEY,
  TENCENTCLOUD_TOKEN: TOKEN,
}

export interface Ledger {
  /** Certificates the service does not hold, or whose receipt does not name the ID they have there. */
  readonly lost: number
  readonly duplicated: number
  readonly leaked: number
}

export interface Run {
  readonly forest: Forest
  readonly emulator: Emulator
  readonly stateDir: string
  /** All that was said, at the loudest level, and all that others could overhear. */
  readonly heard: string
}

/** All bytes of its files as text. */
async function textsIn(stateDir: string): Promise<readonly string[]> {
  const files = await readdir(stateDir).catch(() => [])
  return Promise.all(files.map(file => readFile(join(stateDir, file), 'latin1')))
}

export async function ledgerOf({ forest, emulator, stateDir, heard }: Run): Promise<Ledger> {
  const stored = emulator.certificates()
  const receipts = new Map((await receiptsIn(stateDir)).map(one => [one.lineage, one]))
  const lost = forest.names.filter((name, i) => {
    const id = stored.find(({ fingerprint }) => fingerprint === forest.leaves[i])?.id
    return id === undefined || receipts.get(`certbot:${name}`)?.uploaded?.certificateId !== id
  })
  const everything = [heard, ...(await textsIn(stateDir))].join('\n')
  expect(everything.length).toBeGreaterThan(200)
  return {
    lost: lost.length,
    duplicated: stored.length - new Set(stored.map(({ fingerprint }) => fingerprint)).size,
    leaked: leaksIn(everything, { keys: forest.keys, secrets: [SECRET_KEY, TOKEN] }).length,
  }
}
