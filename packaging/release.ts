/** `npm run package`: builds a release into release/. Offline after npm ci; two builds of a commit are the same. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { arch, cwd, execPath, stdout, umask, versions } from 'node:process'
import { writeArchive } from './archive.ts'
import { bundle, readVersion } from './bundle.ts'
import { writeDebianPackage } from './debianPackage.ts'
import { writeExecutable } from './executable.ts'
import { terms } from './licences.ts'
import { writeNpmPackage } from './npmPackage.ts'
import { NoNode, unpackNode } from './otherNode.ts'
import { heldFor, type Package, readLockfile, runtimePackages } from './packages.ts'
import { EPOCH, ROOT } from './paths.ts'
import { writeRpmPackage } from './rpmPackage.ts'
import { sbom } from './sbom.ts'
import { summary } from './summary.ts'

/** By Node's name, Debian's and RPM's. */
const ARCHITECTURES = {
  x64: { debian: 'amd64', rpm: 'x86_64' },
  arm64: { debian: 'arm64', rpm: 'aarch64' },
} as const

type Architecture = keyof typeof ARCHITECTURES

const isKnown = (name: string): name is Architecture => name in ARCHITECTURES
if (!isKnown(arch)) throw new Error(`a release is made on x64 or arm64, not on ${arch}`)

umask(0o022)
const folder = resolve(ROOT, 'release')
await rm(folder, { recursive: true, force: true })
await mkdir(folder)

const version = await readVersion()
const program = await bundle(version)
const packages = runtimePackages(await readLockfile())
/** What cannot be made here, and why. */
const leftOut: string[] = []

const hasDebian = isThere('dpkg-deb', 'the Debian packages')
const hasRpm = isThere('rpmbuild', 'the RPM packages')
await makeFor(arch, execPath, heldFor(arch, packages))
const hasOther = await makeForOther(arch === 'x64' ? 'arm64' : 'x64')
await writeNpmPackage({ parts: program.parts, folder, terms: await terms(heldFor(undefined, packages)) })
await writeFile(
  resolve(folder, `certferry-${version}.cdx.json`),
  sbom({ version, epoch: EPOCH, node: versions, packages: hasOther ? packages : heldFor(arch, packages) }),
)

/** The executable, its archive and its packages. */
async function makeFor(target: Architecture, node: string, held: readonly Package[]): Promise<void> {
  const executable = resolve(folder, target === arch ? 'certferry' : `certferry-${target}`)
  await writeExecutable(program, executable, { arch: target, path: node })
  const parts = { version, executable, terms: await terms(held) }
  const { debian, rpm } = ARCHITECTURES[target]
  await writeArchive({ ...parts, file: resolve(folder, `certferry-${version}-linux-${target}.tar.gz`) })
  const debianFile = resolve(folder, `certferry_${version}_${debian}.deb`)
  if (hasDebian) await writeDebianPackage({ ...parts, architecture: debian, file: debianFile })
  const rpmFile = resolve(folder, `certferry-${version}-1.${rpm}.rpm`)
  if (hasRpm) await writeRpmPackage({ ...parts, architecture: rpm, file: rpmFile })
}

/** Without compiled code, which only a Node for that processor makes. */
async function makeForOther(target: Architecture): Promise<boolean> {
  const node = packages.find(({ name }) => name === `node-linux-${target}`)
  if (!node) throw new Error(`package-lock.json does not name Node for ${target}`)
  try {
    const path = await unpackNode(node)
    const held = heldFor(target, packages).map(each => (each === node ? { ...each, path } : each))
    await makeFor(target, resolve(path, 'bin/node'), held)
    return true
  } catch (error) {
    if (!(error instanceof NoNode)) throw error
    leftOut.push(`everything for ${target}: ${error.message}`)
    return false
  }
}

function isThere(tool: string, makes: string): boolean {
  const { status } = spawnSync(tool, ['--version'])
  if (status !== 0) leftOut.push(`${makes}: there is no ${tool}`)
  return status === 0
}

const names = (await readdir(folder)).sort()
const sums = await Promise.all(
  names.map(
    async name =>
      `${createHash('sha256')
        .update(await readFile(resolve(folder, name)))
        .digest('hex')}  ${name}\n`,
  ),
)
await writeFile(resolve(folder, 'SHA256SUMS'), sums.join(''))
stdout.write(await summary(folder, cwd(), `certferry_${version}_${ARCHITECTURES[arch].debian}.deb`))
for (const line of leftOut) stdout.write(`Left out: ${line}\n`)
