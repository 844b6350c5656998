/** Compares what the daemon's process sees of the sources with what this user sees: a systemd unit has a view of its own. */
import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { Source } from '../config/settings.ts'
import { SERVICE } from '../systemd/systemctl.ts'
import { type Finding, warning } from './finding.ts'

/** As many links as the kernel follows. */
const MAX_LINKS = 40

/**
 * What is at a path for a process with this root, or undefined. Each link is followed by hand: the kernel would look for
 * the target of an absolute one below our own root.
 */
function statBelow(root: string, path: string): Stats | undefined {
  const rest = path.split('/')
  let at = '/'
  let links = 0
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const next = join(at, part)
    const found = lstatSync(root + next, { throwIfNoEntry: false })
    if (!found) return undefined
    if (!found.isSymbolicLink()) {
      at = next
      continue
    }
    links += 1
    if (links > MAX_LINKS) return undefined
    const target = readlinkSync(root + next)
    if (isAbsolute(target)) at = '/'
    rest.unshift(...target.split('/'))
  }
  return statSync(root + at, { throwIfNoEntry: false })
}

/** Of a folder that was replaced, the process may still see the one before. */
function isSeen(root: string, path: string): boolean {
  const ours = statSync(path, { throwIfNoEntry: false })
  if (!ours) return true
  const theirs = statBelow(root, path)
  if (!theirs) return false
  return !ours.isDirectory() || (ours.dev === theirs.dev && ours.ino === theirs.ino)
}

const pathsOf = (source: Source): readonly string[] => {
  if (source.kind !== 'pem') return [source.path]
  return source.key === undefined ? [source.chain] : [source.chain, source.key]
}

/** Paths of sources that are there for us and not for the process. None where this user may not look at its root. */
export function unseenPaths(pid: number, sources: readonly Source[], proc = '/proc'): readonly string[] {
  const root = join(proc, String(pid), 'root')
  try {
    lstatSync(`${root}/`)
    return sources.flatMap(pathsOf).filter(path => !isSeen(root, path))
  } catch {
    return []
  }
}

export const unseenFinding = (
  path: string,
  daemon: { readonly pid: number; readonly isService: boolean },
): Finding =>
  warning(
    'daemon',
    `${daemon.isService ? SERVICE : `process ${daemon.pid}`} does not see ${path}: it was made or replaced after the start, or is hidden from it`,
    daemon.isService
      ? {
          advice:
            'If a restart does not help, open it with BindReadOnlyPaths= (docs/systemd.md, "Other places").',
          command: `sudo systemctl restart ${SERVICE}`,
        }
      : { advice: 'Restart the daemon where it can see this path.' },
  )
