/** The Debian package, put together by dpkg-deb. What its scripts do stands in packaging/debian. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Made } from './archive.ts'
import {
  completionFiles,
  debianChangelog,
  documents,
  exampleConfig,
  filesOf,
  manualPages,
  unitFor,
} from './contents.ts'
import { EPOCH, ROOT } from './paths.ts'
import { inStagingDir, type Staging } from './stagingDir.ts'

const DOCUMENTS = 'usr/share/doc/certferry'
const SCRIPTS = ['postinst', 'prerm', 'postrm']

const part = (name: string) => readFile(resolve(ROOT, 'packaging/debian', name), 'utf8')

export async function writeDebianPackage(made: Made & { readonly architecture: string }): Promise<void> {
  await inStagingDir(async staging => {
    await staging.copy(made.executable, 'usr/bin/certferry', 0o755)
    await writeSystem(staging)
    await writeDocuments(staging, made)
    await writeControl(staging, made)
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z3', '--build', staging.folder, made.file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(EPOCH) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  })
}

async function writeSystem({ write, writeAll }: Staging): Promise<void> {
  await write('etc/certferry/config.toml', await exampleConfig())
  const units = await filesOf('systemd', /^[^/]+\.(service|timer)$/)
  for (const [name, text] of units) await write(`lib/systemd/system/${name}`, unitFor(text))
  await writeAll(`${DOCUMENTS}/examples`, await filesOf('systemd', /\.conf$/))
  await writeAll('usr/share', completionFiles())
}

async function writeDocuments({ write }: Staging, { version, terms }: Made): Promise<void> {
  // gzip: lintian asks it of man pages and change logs, and level 9 without a time is the same every time
  for (const [path, text] of await manualPages(version))
    await write(`usr/share/man/${path}.gz`, gzipSync(text, { level: 9 }))
  for (const [path, text] of await documents()) {
    if (path !== 'LICENSE') await write(`${DOCUMENTS}/${path}`, text)
  }
  await write(`${DOCUMENTS}/changelog.gz`, gzipSync(await debianChangelog(version), { level: 9 }))
  await write(`${DOCUMENTS}/third-party.txt.gz`, gzipSync(terms, { level: 9 }))
  await write(`${DOCUMENTS}/copyright`, await part('copyright'))
  await write('usr/share/lintian/overrides/certferry', await part('lintian-overrides'))
}

async function writeControl(
  { folder, write }: Staging,
  { version, architecture }: { version: string; architecture: string },
) {
  const { sums, kibibytes } = await contentsOf(folder)
  const control = (await part('control'))
    .replace('@VERSION@', version)
    .replace('@ARCHITECTURE@', architecture)
    .replace('@SIZE@', String(kibibytes))
  await write('DEBIAN/control', control)
  await write('DEBIAN/md5sums', sums)
  await write('DEBIAN/conffiles', '/etc/certferry/config.toml\n')
  for (const name of SCRIPTS) await write(`DEBIAN/${name}`, await part(name), 0o755)
}

/** What dpkg asks for: a sum for each file that is no configuration, and the size of all. */
async function contentsOf(folder: string): Promise<{ readonly sums: string; readonly kibibytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const lines: string[] = []
  let bytes = 0
  for (const path of paths.sort()) {
    const below = path.slice(folder.length + 1)
    bytes += (await stat(path)).size
    if (below.startsWith('etc/')) continue
    lines.push(
      `${createHash('md5')
        .update(await readFile(path))
        .digest('hex')}  ${below}\n`,
    )
  }
  return { sums: lines.join(''), kibibytes: Math.ceil(bytes / 1024) }
}
