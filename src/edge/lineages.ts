/** Finds the lineages of every source on disk. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../core/fault.ts'
import { LAYOUTS, type Lineage, lineageId } from '../core/lineage.ts'
import { printable } from '../core/printable.ts'
import type { Settings, Source } from '../core/settings.ts'

export interface Found {
  readonly lineages: readonly Lineage[]
  /** Sources and folders that could not be looked at; the others are not held up. */
  readonly faults: ReadonlyArray<{ readonly lineage: string; readonly fault: Fault }>
}

export async function findLineages(
  sources: readonly Source[],
  uploadOf: Settings['uploadOf'],
): Promise<Found> {
  const lineages = new Map<string, Lineage>()
  const faults: { lineage: string; fault: Fault }[] = []
  for (const source of sources) {
    for (const lineage of await lineagesIn(source, uploadOf).catch(report(source, faults))) {
      const other = lineages.get(lineage.id)
      if (!other) lineages.set(lineage.id, lineage)
      else if (other.chain !== lineage.chain)
        faults.push({ lineage: lineage.id, fault: taken(lineage, other) })
    }
  }
  return { lineages: [...lineages.values()], faults }
}

const report = (source: Source, faults: { lineage: string; fault: Fault }[]) => (error: unknown) => {
  if (!(error instanceof Fault)) throw error
  faults.push({
    lineage: `${source.kind}:${source.kind === 'pem' ? source.name : source.path}`,
    fault: error,
  })
  return []
}

const taken = (lineage: Lineage, other: Lineage) =>
  new Fault(
    'NAME_TAKEN',
    `${lineage.chain} is not looked at: ${lineage.id} is already the name of ${other.chain}`,
  )

async function lineagesIn(source: Source, uploadOf: Settings['uploadOf']): Promise<readonly Lineage[]> {
  if (source.kind === 'pem') return [pemLineage(source, uploadOf)]
  const layout = LAYOUTS[source.kind]
  const folder = join(source.path, layout.folder)
  const names = (await list(folder, source)).filter(name => !layout.ignore(name)).sort()
  const signs = await Promise.all(names.map(name => hasSign(join(folder, name), layout.signs(name))))
  return names.filter((_, i) => signs[i]).map(name => lineageIn(source, name, uploadOf))
}

/** The lineage that a folder of this source makes, whether or not anything is in it yet. */
export function lineageIn(
  source: Extract<Source, { path: string }>,
  name: string,
  uploadOf: Settings['uploadOf'],
): Lineage {
  const layout = LAYOUTS[source.kind]
  const folder = join(source.path, layout.folder, name)
  const id = lineageId(source.kind, name)
  const upload = uploadOf(id, name, source.keys)
  return {
    id,
    name,
    kind: source.kind,
    chain: join(folder, layout.chain),
    key: join(folder, layout.key(name)),
    upload,
  }
}

export function pemLineage(
  { name, chain, key, keys }: Extract<Source, { kind: 'pem' }>,
  uploadOf: Settings['uploadOf'],
): Lineage {
  const id = lineageId('pem', name)
  return { id, name, kind: 'pem', chain, key, upload: uploadOf(id, name, keys) }
}

async function list(folder: string, { path }: Extract<Source, { path: string }>): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM')
      throw new Fault('SOURCE_UNREADABLE', `${folder}: cannot be listed (${code})`)
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new Fault('SOURCE_UNREADABLE', `${folder}: cannot be listed (${code})`, { cause: error })
    // certbot makes live/ with its first certificate: a source without it is there and empty
    if (folder !== path && (await stat(path).catch(() => undefined))?.isDirectory()) return []
    throw new Fault('SOURCE_MISSING', `${printable(path)}: no such directory`)
  }
}

/**
 * lstat, so that the dangling links of certbot's first issuance count: the lineage is there, its files are to come. What
 * cannot be looked at counts too, and reading it says why: a failing disk must not look like a certificate fewer.
 */
async function hasSign(folder: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    const found = await lstat(join(folder, name)).then(
      () => true,
      ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
    )
    if (found) return true
  }
  return false
}
