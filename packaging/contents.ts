/** The files that are installed besides the program, in memory: for the archive and both packages. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { configTables } from '../config/reference.ts'
import { explained, readExample } from '../config/schema.ts'
import { COMMANDS } from '../src/cli/commands.ts'
import { wrap } from '../src/terminal/text.ts'
import { completions } from './completion.ts'
import { exitRows, manuals } from './manual.ts'
import { EPOCH, ROOT } from './paths.ts'

const text = (path: string) => readFile(resolve(ROOT, path), 'utf8')

const manifest = JSON.parse(await text('package.json'))

/** Where the source is and bugs are reported, if the one who releases has filled it in: CONTRIBUTING.md. */
export const homepage: string | undefined = manifest.homepage

/** Debian wants an address; this one leads nowhere. */
export const maintainer: string = manifest.author ?? 'The certferry developers <certferry@localhost>'

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

/** For whoever changes, tests or measures the program, who has the repository. */
const FOR_DEVELOPERS = /^docs\/(?:architecture|performance|reliability)/

/** By their path in the repository, because they link to one another: the operator's pages, and what they lead to. */
export async function documents(): Promise<ReadonlyMap<string, string>> {
  const names = [
    ...Array.from((await filesOf('docs', /\.md$/)).keys(), name => `docs/${name}`),
    ...['README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'config/certferry.example.toml'],
    'config/schema.json',
    ...['Containerfile', 'compose.yaml', 'kubernetes.yaml'].map(name => `packaging/container/${name}`),
  ].filter(name => !FOR_DEVELOPERS.test(name))
  const pages = names.map(async name => {
    const page = await text(name)
    return [name, name.endsWith('.md') ? packagedPage(name, page, new Set(names)) : page] as const
  })
  return new Map(await Promise.all(pages))
}

/** Without what only the repository has: links to other files become their text, and parts that are marked so are left out. */
export const packagedPage = (path: string, page: string, files: ReadonlySet<string>): string =>
  page
    .replaceAll(/^<!-- in the repository -->\n.*?^<!-- \/ -->\n\n?/gms, '')
    .replaceAll(/^<!-- .* -->\n/gm, '')
    .replaceAll(/\[([^\]]*)\]\((?!https?:|#)([^)#]+)[^)]*\)/g, (link, words, target) =>
      files.has(join(dirname(path), target)) ? link : words,
    )

async function tablesOfConfig() {
  const tables = await readExample()
  return configTables(tables, explained(tables))
}

export const manualPages = async (version: string) =>
  manuals({
    version,
    date: new Date(EPOCH * 1000),
    commands: COMMANDS,
    tables: await tablesOfConfig(),
    exits: exitRows(await text('docs/troubleshooting.md')),
  })

/** Debian's form of a change log (deb-changelog(5)), made of the newest part of CHANGELOG.md. */
export async function debianChangelog(version: string): Promise<string> {
  const newest = (await text('CHANGELOG.md')).split(/^## .*$/m)[1] ?? ''
  const entries = newest.match(/^- .*(?:\n {2}.*)*/gm) ?? []
  const lines = entries.map(entry => `  * ${wrap(entry.slice(2).replace(/\s+/g, ' '), 75, 4)}`)
  const date = new Date(EPOCH * 1000).toUTCString().replace('GMT', '+0000')
  return `certferry (${version}) unstable; urgency=medium\n\n${lines.join('\n')}\n\n -- ${maintainer}  ${date}\n`
}

export const completionFiles = () => completions(COMMANDS)
