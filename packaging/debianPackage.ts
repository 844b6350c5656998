/** The Debian package, put together by dpkg-deb. What its scripts do stands in packaging/debian. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Made } from './archive.ts'
import { debianChangelog, homepage, maintainer } from './contents.ts'
import { DOCUMENTS, packed, stageInstalled } from './installed.ts'
import { EPOCH, ROOT } from './paths.ts'
import { inStagingDir, type Staging } from './stagingDir.ts'

const SCRIPTS = ['postinst', 'prerm', 'postrm']

const part = (name: string) => readFile(resolve(ROOT, 'packaging/debian', name), 'utf8')

export async function writeDebianPackage(made: Made & { readonly architecture: string }): Promise<void> {
  await inStagingDir(async staging => {
    await stageInstalled(staging, made, { units: 'lib/systemd/system', completion: path => path })
    // empty: the configuration is the administrator's, written by setup, so that dpkg has nothing to ask about it
    await staging.makeFolder('etc/certferry')
    await writeOwnDocuments(staging, made)
    await writeControl(staging, made)
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z4', '--build', staging.folder, made.file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(EPOCH) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  })
}

async function writeOwnDocuments({ write }: Staging, { version }: Made): Promise<void> {
  await write(`${DOCUMENTS}/changelog.gz`, packed(await debianChangelog(version)))
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
    .replace('@MAINTAINER@', maintainer)
    .replace('@HOMEPAGE@\n', homepage ? `Homepage: ${homepage}\n` : '')
  await write('DEBIAN/control', control)
  await write('DEBIAN/md5sums', sums)
  for (const name of SCRIPTS) await write(`DEBIAN/${name}`, await part(name), 0o755)
}

/** What dpkg asks for: a sum for each file, and the size of all. */
async function contentsOf(folder: string): Promise<{ readonly sums: string; readonly kibibytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const lines: string[] = []
  let bytes = 0
  for (const path of paths.sort()) {
    const below = path.slice(folder.length + 1)
    bytes += (await stat(path)).size
    lines.push(
      `${createHash('md5')
        .update(await readFile(path))
        .digest('hex')}  ${below}\n`,
    )
  }
  return { sums: lines.join(''), kibibytes: Math.ceil(bytes / 1024) }
}
