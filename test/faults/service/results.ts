/** Reckons up after a run: what the service holds, what the receipts say, and what was told to nobody. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Emulator } from '../../../src/emulator/server.ts'
import { fileName } from '../../../src/receipts/store.ts'
import { leaksIn } from '../../fixtures/leaks.ts'
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

async function receiptsIn(stateDir: string): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(stateDir).catch(() => [])
  const texts = await Promise.all(files.map(file => readFile(join(stateDir, file), 'utf8')))
  return new Map(files.map((file, i) => [file, texts[i] ?? '']))
}

export async function ledgerOf({ forest, emulator, stateDir, heard }: Run): Promise<Ledger> {
  const stored = emulator.certificates()
  const receipts = await receiptsIn(stateDir)
  const lost = forest.names.filter((name, i) => {
    const id = stored.find(({ fingerprint }) => fingerprint === forest.leaves[i])?.id
    const receipt = receipts.get(fileName(`certbot:${name}`)) ?? ''
    return id === undefined || !receipt.includes(`"certificateId": "${id}"`)
  })
  const everything = [heard, ...receipts.values()].join('\n')
  expect(everything.length).toBeGreaterThan(200)
  return {
    lost: lost.length,
    duplicated: stored.length - new Set(stored.map(({ fingerprint }) => fingerprint)).size,
    leaked: leaksIn(everything, { keys: forest.keys, secrets: [SECRET_KEY, TOKEN] }).length,
  }
}
