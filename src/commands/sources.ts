/** The lineages a command works on: those of the configured sources, or of the usual places. */
import { stat } from 'node:fs/promises'
import { Fault } from '../core/fault.ts'
import { isNamed, type Lineage } from '../core/lineage.ts'
import { usualSources } from '../core/lineageIn.ts'
import type { Settings, Source } from '../core/settings.ts'
import type { Left } from '../edge/kept.ts'
import { discoverLineages } from '../edge/lineages.ts'

/** A source that could not be listed, in the form of an outcome. */
export interface SourceFailure {
  readonly outcome: 'failed'
  readonly lineage: string
  readonly fault: Fault
  readonly elapsedMs: number
}

export interface Listing {
  readonly lineages: readonly Lineage[]
  readonly failed: readonly SourceFailure[]
  readonly left: readonly Left[]
}

/** @throws Fault NO_SOURCE where none is configured and the usual places do not exist. */
export async function listLineages(settings: Settings, home: string): Promise<Listing> {
  const sources = settings.sources.length ? settings.sources : await existingSources(home)
  const { lineages, faults, left } = await discoverLineages(sources, settings.uploadOf)
  return {
    lineages: lineages.filter(({ id }) => !settings.isExcluded(id)),
    failed: faults.map(({ lineage, fault }) => ({ outcome: 'failed', lineage, fault, elapsedMs: 0 })),
    left: left.filter(({ lineage }) => !settings.isExcluded(lineage)),
  }
}

/** Those of the usual places that are there. @throws Fault NO_SOURCE where none is. */
export async function existingSources(home: string): Promise<readonly Source[]> {
  const usual = usualSources(home)
  const there = await Promise.all(
    usual.map(({ path }) =>
      stat(path).then(
        () => true,
        // one that cannot be looked at is there: listing it says why
        ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
      ),
    ),
  )
  const sources = usual.filter((_, i) => there[i])
  if (!sources.length)
    throw new Fault(
      'NO_SOURCE',
      `no source is configured, and none of the usual places is there: ${usual.map(({ path }) => path).join(', ')}`,
    )
  return sources
}

/** Only the lineages asked for. @throws Fault LINEAGE_UNKNOWN for a name that means none. */
export function filterByName(listing: Listing, only: readonly string[] | undefined): Listing {
  if (!only) return listing
  const { lineages, failed, left } = listing
  for (const name of only) {
    const known = lineages.some(isNamed(name)) || failed.some(({ lineage }) => lineage === name)
    if (known) continue
    const gone = left.find(({ lineage }) => isNamed(name)(namedBy(lineage)))
    throw new Fault(
      'LINEAGE_UNKNOWN',
      gone ? `${gone.lineage} ${gone.why}` : `no source has a lineage "${name}"`,
    )
  }
  return {
    lineages: lineages.filter(lineage => only.some(name => isNamed(name)(lineage))),
    failed: failed.filter(({ lineage }) => only.includes(lineage)),
    left: [],
  }
}

const namedBy = (id: string) => ({ id, name: id.slice(id.indexOf(':') + 1) })

/** As a source that cannot be listed is named, in the log and in the metrics. */
export const sourceLabel = (source: Source) =>
  `${source.kind}:${source.kind === 'pem' ? source.name : source.path}`

export const containsLineage = (source: Source, { kind, name, chain }: Lineage) =>
  kind === source.kind &&
  (source.kind === 'pem'
    ? source.name === name
    : chain === source.path || chain.startsWith(`${source.path.replace(/\/$/, '')}/`))
