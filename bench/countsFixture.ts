/** A server with so many lineages for the counts: on disk, uploaded by the built program, and old enough to be believed. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { temporaryDirectory } from '../test/fixtures/temporary.ts'
import { openService, type Service } from './localService.ts'
import { openPool, type Pool } from './pool.ts'
import { type Environment, used } from './process.ts'
import { BUILT } from './programs.ts'
import { nameOf, writeTree } from './trees.ts'

export interface House {
  readonly folder: string
  readonly root: string
  readonly state: string
  readonly service: Service
  readonly pool: Pool
  readonly env: Environment
  /** For a command that looks at all of it. */
  readonly words: readonly string[]
  /** Of one lineage. */
  readonly live: (i: number) => string
}

/** In milliseconds; a younger file is read twice. */
const BELIEVED = 1_000

export const aged = (file: string) =>
  vi.waitFor(() => expect(Date.now() - statSync(file).ctimeMs).toBeGreaterThan(BELIEVED), {
    timeout: 10_000,
    interval: 50,
  })

export async function openHouse(lineages: number): Promise<House> {
  const folder = await temporaryDirectory()
  const pool = openPool()
  const root = writeTree(join(folder, 'letsencrypt'), lineages, await pool.fresh(lineages))
  const state = join(folder, 'state')
  const service = await openService()
  onTestFinished(() => service.close())
  const live = (i: number) => join(root, 'live', nameOf(i))
  await aged(join(live(lineages - 1), 'fullchain.pem'))
  return {
    folder,
    root,
    state,
    service,
    pool,
    live,
    env: { ...service.environment, CERTFERRY_STATE_DIR: state },
    words: ['--source', `certbot=${root}`],
  }
}

/** After it every receipt is there, and the service has been asked as often as there are lineages. */
export const uploaded = ({ words, env }: House) =>
  used([...BUILT, 'sync', '--rate', '1000', ...words], { env })

/** One lineage, uploaded; what its hook is given; and how often the service was asked until now. */
export async function unchangedHook() {
  const house = await openHouse(1)
  await uploaded(house)
  const before = house.service.emulator.entries.length
  const env = { ...house.env, RENEWED_LINEAGE: house.live(0) }
  return { house, before, env }
}
