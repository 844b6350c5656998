/** `npm run package`: builds a release into release/. Offline after npm ci; two builds of a commit are the same. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { arch, stdout, umask, versions } from 'node:process'
import { writeArchive } from './archive.ts'
import { bundle, readVersion } from './bundle.ts'
import { writeDebianPackage } from './debianPackage.ts'
import { writeExecutable } from './executable.ts'
import { terms } from './licences.ts'
import { writeNpmPackage } from './npmPackage.ts'
import { heldFor, readLockfile, runtimePackages } from './packages.ts'
import { EPOCH, ROOT } from './paths.ts'
import { sbom } from './sbom.ts'

/** By Node's name, Debian's. The executable is for the machine that builds it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

const architecture = ARCHITECTURES[arch]
if (!architecture) throw new Error(`a release is made on x64 or arm64, not on ${arch}`)

umask(0o022)
const folder = resolve(ROOT, 'release')
await rm(folder, { recursive: true, force: true })
await mkdir(folder)

const version = await readVersion()
const program = await bundle(version)
const executable = resolve(folder, 'certferry')
await writeExecutable(program, executable)
const packages = runtimePackages(await readLockfile())
const held = heldFor(arch, packages)
const made = { version, executable, terms: await terms(held) }
await writeArchive({ ...made, file: resolve(folder, `certferry-${version}-linux-${arch}.tar.gz`) })
await writeDebianPackage({
  ...made,
  architecture,
  file: resolve(folder, `certferry_${version}_${architecture}.deb`),
})
await writeNpmPackage({ parts: program.parts, folder, terms: await terms(heldFor(undefined, packages)) })
await writeFile(
  resolve(folder, `certferry-${version}.cdx.json`),
  sbom({ version, epoch: EPOCH, node: versions, packages: held }),
)

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
stdout.write(sums.join(''))
