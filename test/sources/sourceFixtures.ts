/** Sources on disk, and what is found in them. */
import { resolveSettings, type Source } from '../../src/config/settings.ts'
import { discoverLineages } from '../../src/sources/discover.ts'
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

export async function found(...sources: readonly Source[]) {
  const { lineages, faults } = await discoverLineages(sources, forLineage)
  return { ids: lineages.map(({ id }) => id), lineages, faults }
}

export const pair = await issue()
