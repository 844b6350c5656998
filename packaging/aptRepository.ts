/** `npm run apt-repository`: a signed apt repository from the Debian packages in release/. */
import { execFileSync } from 'node:child_process'
import { copyFile, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import process, { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { makeFolders } from '../src/files/atomicWrite.ts'
import { ROOT } from './paths.ts'

const POOL = 'pool/main/c/certferry'
const SUITE = 'dists/stable'

/** The end of a package's name, with its architecture. */
const PACKAGE = /_([a-z0-9]+)\.deb$/

interface Repository {
  /** Packages of earlier releases in it stay. */
  readonly folder: string
  /** The new packages. */
  readonly packages: readonly string[]
  /** The fingerprint or address of the key that signs, in gpg's own keyring. */
  readonly key: string
  /** Where the folder will be served. */
  readonly url: string
}

async function writeAptRepository({ folder, packages, key, url }: Repository): Promise<void> {
  const tool = (file: string, ...words: readonly string[]) =>
    execFileSync(file, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 })
  const gpg = (...words: readonly string[]) => tool('gpg', '--batch', '--yes', '--local-user', key, ...words)
  for (const file of packages)
    if (!PACKAGE.test(file)) throw new Error(`${file}: expected a name such as certferry_1.0.0_amd64.deb`)
  makeFolders(join(folder, POOL))
  // before anything is taken away: servers refuse a repository without a signature
  gpg('--clearsign', '--output', '-', '/dev/null')
  for (const file of packages) await copyFile(file, join(folder, POOL, basename(file)))
  // before the list of files is made, in which they would stand
  await rm(join(folder, SUITE), { recursive: true, force: true })
  const architectures = await architecturesIn(join(folder, POOL))
  for (const architecture of architectures) {
    const below = join(folder, SUITE, 'main', `binary-${architecture}`)
    makeFolders(below)
    const list = tool('apt-ftparchive', '--arch', architecture, 'packages', 'pool')
    await writeFile(join(below, 'Packages'), list)
    await writeFile(join(below, 'Packages.gz'), gzipSync(list, { level: 9 }))
  }
  const fields = {
    Origin: 'certferry',
    Label: 'certferry',
    Suite: 'stable',
    Codename: 'stable',
    Components: 'main',
    Architectures: architectures.join(' '),
  }
  const options = Object.entries(fields).flatMap(([name, value]) => [
    '-o',
    `APT::FTPArchive::Release::${name}=${value}`,
  ])
  await writeFile(join(folder, SUITE, 'Release'), tool('apt-ftparchive', ...options, 'release', SUITE))
  gpg('--clearsign', '--output', `${SUITE}/InRelease`, `${SUITE}/Release`)
  gpg('--armor', '--detach-sign', '--output', `${SUITE}/Release.gpg`, `${SUITE}/Release`)
  const publicKey = `${tool('gpg', '--armor', '--export', key)}`
  await writeFile(join(folder, 'certferry.asc'), publicKey)
  await writeFile(join(folder, 'certferry.sources'), sources(url, publicKey))
}

/** By the names of the packages. */
const architecturesIn = async (pool: string): Promise<readonly string[]> =>
  [...new Set((await readdir(pool)).flatMap(name => PACKAGE.exec(name)?.[1] ?? []))].sort()

/** deb822(5), with the key in it: one file is all that an administrator fetches, and the key signs for nothing else. */
const sources = (url: string, key: string) => `Types: deb
URIs: ${url}
Suites: stable
Components: main
Signed-By:
${key
  .trimEnd()
  .split('\n')
  .map(line => ` ${line || '.'}\n`)
  .join('')}`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      url: { type: 'string' },
      folder: { type: 'string', default: resolve(ROOT, 'release/apt') },
    },
  })
  const { key, url, folder } = values
  if (!key || !url)
    throw new Error(
      'usage: npm run apt-repository -- --key FINGERPRINT --url URL [--folder DIR] [PACKAGE…]\nHow to make a key: CONTRIBUTING.md, "A release".',
    )
  const release = resolve(ROOT, 'release')
  const names = (await readdir(release).catch(() => [])).filter(name => name.endsWith('.deb'))
  const packages = positionals.length ? positionals : names.map(name => join(release, name))
  if (!packages.length) throw new Error('release/ has no Debian package: run npm run package first')
  await writeAptRepository({ folder: resolve(folder), packages, key, url })
  stdout.write(`${resolve(folder)} is an apt repository with ${packages.map(file => basename(file)).join(' and ')}, signed by ${key}.
Next: copy it to where ${url} leads. On each server, as root:
  curl -fo /etc/apt/sources.list.d/certferry.sources ${url}/certferry.sources
  apt update && apt install certferry
`)
}

if (import.meta.main)
  await main().catch((error: Error) => {
    stdout.write(`${error.message}\n`)
    process.exitCode = 1
  })
