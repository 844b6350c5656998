/** A hook's file on disk: looked at, put there whole or not at all, taken away. */
import { chmod, constants, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../errors.ts'
import { replaceFileAtomic, syncFolder } from '../files/atomicWrite.ts'
import { makeFolders } from '../files/makeDirectory.ts'
import { readTextFile } from '../files/readFile.ts'
import { type Unsafe, unsafePath, unsafePlace } from '../files/safePath.ts'
import { acmeSetting } from './hookCommand.ts'
import { type Found, HOOK_FILES } from './hookScripts.ts'

export interface DehydratedConfig {
  /** The main file. */
  readonly file: string
  /** Where its certificates lie. */
  readonly certificates: string
  /** The folder of which it reads further files. */
  readonly folder: string | undefined
  /** The program that is its hook already, other than ours. */
  readonly hook?: string | undefined
  /** The file in which that one is named. */
  readonly hookIn?: string | undefined
}

export async function dehydratedConfig(file: string): Promise<DehydratedConfig> {
  const values = new Map([['BASEDIR', dirname(file)]])
  let hookIn: string | undefined
  const take = async (path: string) => {
    const { text } = await readTextFile(path).catch(() => ({ text: '' }))
    for (const [key, value] of assignments(text)) {
      values.set(key, expanded(value, values))
      if (key === 'HOOK') hookIn = value ? path : undefined
    }
  }
  await take(file)
  const folder = values.get('CONFIG_D') || undefined
  const more = folder ? await readdir(folder).catch(() => []) : []
  for (const name of more.filter(name => name.endsWith('.sh')).sort())
    if (folder && name !== HOOK_FILES.dehydrated.name) await take(join(folder, name))
  const certificates = values.get('CERTDIR') || join(values.get('BASEDIR') ?? '', 'certs')
  return { file, certificates, folder, hook: values.get('HOOK') || undefined, hookIn }
}

/** As the lines of the text give them, without the quotes around them. */
const assignments = (text: string) =>
  Array.from(
    text.matchAll(/^\s*(?:export\s+)?([A-Z_]+)=(["']?)(.*?)\2\s*(?:#.*)?$/gm),
    ([, key = '', , value = '']) => [key, value] as const,
  )

const expanded = (value: string, values: ReadonlyMap<string, string>) =>
  value.replace(
    /\$(?:\{([A-Z_]+)\}|([A-Z_]+))/g,
    (whole, braced, bare) => values.get(braced ?? bare) ?? whole,
  )

/** More than any hook of ours has; of somebody else's file no more is looked at. */
const ENOUGH = 65_536

/**
 * @throws Fault SOURCE_MISSING where the client's directory is not there: it is the client's to make; HOOK_UNWRITABLE where
 * another user decides what the folder of its hooks is: he could lead what is written there anywhere.
 */
export async function requireDirectory(directory: string, folder: string): Promise<void> {
  const there = await onDisk(directory, () => stat(directory).catch(missing))
  if (there?.isDirectory()) return requireOwn(unsafePlace(join(directory, folder)))
  const problem = there ? 'is not a directory' : 'is not there'
  throw new Fault('SOURCE_MISSING', `${directory}: ${problem}`, {
    advice: 'Name the right one with --source, or run the ACME client once.',
  })
}

function requireOwn(unsafe: Unsafe | undefined): void {
  if (!unsafe) return
  throw new Fault('HOOK_UNWRITABLE', `${unsafe.path}: ${unsafe.says}`, {
    advice: `Run it as the user that the directory belongs to, and that runs the ACME client; or ${unsafe.advice}.`,
  })
}

/** O_NOFOLLOW: a link of this name is somebody else's, wherever it leads. */
export const readHook = (path: string): Promise<Found | undefined> =>
  onDisk(path, async () => {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = await open(path, flags).catch(missingOrForeign)
    if (!file || !('fd' in file)) return file
    try {
      const entry = await file.stat()
      const mode = entry.mode & 0o7777
      if (!entry.isFile()) return { mode }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(ENOUGH), 0, ENOUGH, 0)
      return { mode, text: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  })

export const writeHook = (path: string, { text, mode }: Required<Found>): Promise<void> =>
  onDisk(path, async () => {
    await makeFolder(dirname(path))
    // in a folder such as /tmp another user may have been quicker
    requireOwn(unsafePath(dirname(path)))
    await replaceFileAtomic(path, text, mode)
  })

export const removeHook = (path: string): Promise<void> =>
  onDisk(path, async () => {
    await rm(path, { force: true })
    await syncFolder(dirname(path))
  })

/** A certificate of acme.sh's, by its own file, which is read and never run. */
interface AcmeCertificate {
  readonly name: string
  readonly conf: string
  /** The deploy hooks that acme.sh runs for it, in their order. */
  readonly hooks: readonly string[]
}

/** Whether acme.sh runs ours for it. */
export const isDeploying = ({ hooks }: AcmeCertificate) => hooks.includes('certferry')

export async function acmeCertificates(directory: string): Promise<readonly AcmeCertificate[]> {
  const names = await readdir(directory).catch(() => [])
  const found = names.map(async name => {
    const conf = join(directory, name, `${name.replace(/_ecc$/, '')}.conf`)
    const { text } = await readTextFile(conf).catch(() => ({ text: undefined }))
    if (text === undefined) return []
    const hooks = (acmeSetting(text, 'Le_DeployHook') ?? '').split(',').filter(Boolean)
    return [{ name, conf, hooks }]
  })
  return (await Promise.all(found)).flat()
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

/** Links and sockets cannot be opened, and are no hook of ours. */
const missingOrForeign = (error: NodeJS.ErrnoException): Found | undefined =>
  error.code === 'ELOOP' || error.code === 'ENXIO' ? { mode: 0 } : missing(error)

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!code) throw error
    throw new Fault('HOOK_UNWRITABLE', `${path}: cannot be read or written (${code})`, { cause: error })
  }
}

/** With the modes the clients give their own: the umask of this process would shut others out. */
async function makeFolder(folder: string): Promise<void> {
  for (const made of makeFolders(folder)) await chmod(made, 0o755)
}
