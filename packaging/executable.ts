/** A single executable: Node itself with the bundle in it (https://nodejs.org/api/single-executable-applications.html). */
import { execFileSync } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { arch, execPath } from 'node:process'
import type { Bundle } from './bundle.ts'
import { SEED, withCodeCache, withLoader } from './codeCache.ts'
import { ROOT } from './paths.ts'

/** Node finds this mark in itself and knows by it whether a program was injected. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** A Node, and the processor that it is for. */
export interface Node {
  readonly arch: string
  readonly path: string
}

const OWN: Node = { arch, path: execPath }

/** Writes the executable to `file`, made of this Node: without another, of the one that runs this. */
export async function writeExecutable(
  program: Pick<Bundle, 'parts'>,
  file: string,
  node = OWN,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'certferry-executable-'))
  try {
    const blob = await writeBlob(program, folder, node.arch === arch)
    await copyFile(node.path, file)
    strip(file, node.arch)
    inject(file, blob)
    await chmod(file, 0o755)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Compiled code is for the processor that made it: Node's documentation leaves it out for another. */
async function writeBlob(
  program: Pick<Bundle, 'parts'>,
  folder: string,
  useCodeCache: boolean,
): Promise<string> {
  const files = await (useCodeCache ? withCodeCache(program) : withLoader(program))
  await mkdir(join(folder, 'parts'))
  for (const [name, content] of files) await writeFile(join(folder, name), content)
  const assets = [...files.keys()].filter(name => name !== 'main.js').sort()
  const config = {
    // relative, or the blob would have an absolute path of this machine
    main: 'main.js',
    output: 'certferry.blob',
    assets: Object.fromEntries(assets.map(name => [name, name])),
    disableExperimentalSEAWarning: true,
    useCodeCache,
    // as certferry.sh has it
    execArgv: ['--max-semi-space-size=16'],
    // a program that reads private keys must not obey NODE_OPTIONS
    execArgvExtension: 'none',
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  const words = [SEED, '--experimental-sea-config', 'config.json']
  execFileSync(execPath, words, { cwd: folder, stdio: 'pipe' })
  return join(folder, 'certferry.blob')
}

/** In a process of its own, without its warnings about sections that strip has emptied. */
function inject(file: string, blob: string): void {
  const postject = resolve(ROOT, 'node_modules/postject/dist/cli.js')
  execFileSync(execPath, [postject, file, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE], { stdio: 'pipe' })
}

/** Debian's binutils for one processor know no other's files. */
const STRIP: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu-strip',
  arm64: 'aarch64-linux-gnu-strip',
}

/** Before the injection: stripped after it, the program does not start. Without binutils it is a sixth larger. */
function strip(file: string, target: string): void {
  try {
    execFileSync((target !== arch && STRIP[target]) || 'strip', [file], { stdio: 'pipe' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
