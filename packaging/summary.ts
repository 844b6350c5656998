/** The last words of `npm run package`: what was made, where it is, and what is next. */
import { readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

const KINDS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^certferry(-\w+)?$/, 'the program, one file'],
  [/\.tar\.gz$/, 'archive: program, units, man pages, documents'],
  [/\.deb$/, 'Debian package'],
  [/\.rpm$/, 'RPM package'],
  [/\.tgz$/, 'npm package, without Node'],
  [/\.cdx\.json$/, 'bill of materials (CycloneDX)'],
  [/^SHA256SUMS$/, 'to check the others: sha256sum -c SHA256SUMS'],
]

/** Paths as seen from `cwd`. `debian`: the package for this machine. */
export async function summary(folder: string, cwd: string, debian: string): Promise<string> {
  const names = (await readdir(folder)).sort()
  const shown = (name: string) => relative(cwd, join(folder, name))
  const width = Math.max(...names.map(name => shown(name).length))
  const lines = names.map(async name => {
    const { size } = await stat(join(folder, name))
    const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? ''
    return `  ${shown(name).padEnd(width)}  ${sizeText(size).padStart(8)}  ${kind}`.trimEnd()
  })
  const next = names.includes(debian)
    ? `To install it, as root:\n  apt install ./${shown(debian)}\n  certferry setup\n`
    : 'Elsewhere than on Debian: docs/operating.md, "Other ways to install".\n'
  return `Made:\n${(await Promise.all(lines)).join('\n')}\n\n${next}To make an apt repository of it: npm run apt-repository (CONTRIBUTING.md, "A release").\n`
}

const sizeText = (bytes: number) =>
  bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
