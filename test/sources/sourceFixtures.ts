/** Sources on disk, and what is found in them. */
import { expect } from 'vitest'
import { resolveSettings, type Source } from '../../src/config/settings.ts'
import { discoverLineages } from '../../src/sources/discover.ts'
import { type FileStamps, stampsOf } from '../../src/sources/fileStamp.ts'
import type { Lineage } from '../../src/sources/lineage.ts'
import { issue } from '../fixtures/certificates.ts'

const { forLineage } = resolveSettings({}, {}, {})
export const certbot = (path: string): Source => ({ kind: 'certbot', path, keys: {} })
export const acme = (path: string): Source => ({ kind: 'acme.sh', path, keys: {} })
export const pem = (name: string, chain: string): Source => ({
  kind: 'pem',
  name,
  chain,
  key: undefined,
  keys: {},
})

export async function listed(...sources: readonly Source[]) {
  const { lineages, faults } = await discoverLineages(sources, forLineage)
  return { ids: lineages.map(({ id }) => id), lineages, faults }
}

export async function found(...sources: readonly Source[]) {
  const { ids, lineages, faults } = await listed(...sources)
  // a run that asks for the stamps anyway finds the same
  const stamped = new Map<Lineage, FileStamps>()
  expect((await discoverLineages(sources, forLineage, stamped)).lineages).toEqual(lineages)
  for (const [lineage, stamps] of stamped) expect(stamps).toEqual(stampsOf(lineage))
  return { ids, lineages, faults }
}

export const pair = await issue()
