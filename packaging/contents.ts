/** The files that are installed besides the program, in memory: for the archive and both packages. */
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { COMMANDS } from '../src/cli/commands.ts'
import { wrap } from '../src/terminal/text.ts'
import { completions } from './completion.ts'
import { exitRows, manuals } from './manual.ts'
import { EPOCH, ROOT } from './paths.ts'

const text = (path: string) => readFile(resolve(ROOT, path), 'utf8')

/** A unit for the program in /usr/bin; in the repository units name /usr/local/bin. */
export const unitFor = (unit: string) =>
  unit
    .replaceAll('/usr/local/bin/certferry', '/usr/bin/certferry')
    .replace(/^Documentation=.*$/m, 'Documentation=man:certferry(1)')
    .replace('docs/operating.md', '/usr/share/doc/certferry/docs/operating.md')

export async function filesOf(folder: string, wanted: RegExp): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(resolve(ROOT, folder), { recursive: true })).filter(name => wanted.test(name))
  const entries = await Promise.all(
    names.sort().map(async name => [name, await text(`${folder}/${name}`)] as const),
  )
  return new Map(entries)
}

/** By their path in the repository, because they link to one another. */
export const documents = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([
    ...Array.from(await filesOf('docs', /\.(md|svg)$/), ([name, page]) => [`docs/${name}`, page] as const),
    ...(await Promise.all(
      ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE'].map(
        async name => [name, await text(name)] as const,
      ),
    )),
  ])

export const manualPages = async (version: string) =>
  manuals({
    version,
    date: new Date(EPOCH * 1000),
    commands: COMMANDS,
    config: await exampleConfig(),
    exits: exitRows(await text('docs/troubleshooting.md')),
  })

/** Debian's form of a change log (deb-changelog(5)), made of the newest part of CHANGELOG.md. */
export async function debianChangelog(version: string): Promise<string> {
  const newest = (await text('CHANGELOG.md')).split(/^## .*$/m)[1] ?? ''
  const entries = newest.match(/^- .*(?:\n {2}.*)*/gm) ?? []
  const lines = entries.map(entry => `  * ${wrap(entry.slice(2).replace(/\s+/g, ' '), 75, 4)}`)
  const date = new Date(EPOCH * 1000).toUTCString().replace('GMT', '+0000')
  return `certferry (${version}) unstable; urgency=medium\n\n${lines.join('\n')}\n\n -- The certferry developers <certferry@localhost>  ${date}\n`
}

export const completionFiles = () => completions(COMMANDS)

export const exampleConfig = () => text('config/certferry.example.toml')
