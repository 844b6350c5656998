/** Reads, writes and removes hook files, and reads the configuration that decides where they are. */
import { chmod, constants, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../errors.ts'
import { replaceFileAtomic, syncFolder } from '../files/atomicWrite.ts'
import { makeFolders } from '../files/makeDirectory.ts'
import { readTextFile } from '../files/readFile.ts'
import { type Unsafe, unsafePath, unsafePlace } from '../files/safePath.ts'
import { domainOf } from './clients.ts'
import { acmeSetting } from './hookCommand.ts'
import { type Found, HOOK_FILES } from './hookScripts.ts'

export interface DehydratedConfig {
  /** The main file. */
  readonly file: string
  /** The directory of its certificates. */
  readonly certificates: string
  /** CONFIG_D, from which it reads further files. */
  readonly folder: string | undefined
  /** HOOK, if it names another program than the installed hook. */
  readonly hook?: string | undefined
  /** The file that sets HOOK. */
  readonly hookIn?: string | undefined
}

export async function dehydratedConfig(file: string): Promise<DehydratedConfig> {
  const values = new Map([['BASEDIR', dirname(file)]])
  let hookIn: string | undefined
  const read = async (path: string) => {
    const { text } = await readTextFile(path).catch(() => ({ text: '' }))
    for (const [key, value] of assignments(text)) {
      values.set(key, expand(value, values))
      if (key === 'HOOK') hookIn = value ? path : undefined
    }
  }
  await read(file)
  const folder = values.get('CONFIG_D') || undefined
  const more = folder ? await readdir(folder).catch(() => []) : []
  for (const name of more.filter(name => name.endsWith('.sh')).sort())
    if (folder && name !== HOOK_FILES.dehydrated.name) await read(join(folder, name))
  const certificates = values.get('CERTDIR') || join(values.get('BASEDIR') ?? '', 'certs')
  return { file, certificates, folder, hook: values.get('HOOK') || undefined, hookIn }
}

/** The assignments of a shell text, without quotes. */
const assignments = (text: string) =>
  Array.from(
    text.matchAll(/^\s*(?:export\s+)?([A-Z_]+)=(["']?)(.*?)\2\s*(?:#.*)?$/gm),
    ([, key = '', , value = '']) => [key, value] as const,
  )

const expand = (value: string, values: ReadonlyMap<string, string>) =>
  value.replace(
    /\$(?:\{([A-Z_]+)\}|([A-Z_]+))/g,
    (whole, braced, bare) => values.get(braced ?? bare) ?? whole,
  )

/** Larger than any installed hook; the rest of a larger file is not read. */
const MAX_HOOK_BYTES = 65_536

/**
 * @throws Fault SOURCE_MISSING if the client's directory does not exist; HOOK_UNWRITABLE if another user can replace the
 * folder of its hooks and so redirect what is written there.
 */
export async function requireDirectory(directory: string, folder: string): Promise<void> {
  const there = await onDisk(directory, () => stat(directory).catch(missing))
  if (there?.isDirectory()) return requireOwn(unsafePlace(join(directory, folder)))
  const problem = there ? 'is not a directory' : 'does not exist'
  throw new Fault('SOURCE_MISSING', `${directory}: ${problem}`, {
    advice: 'Give the right directory with --source, or run the ACME client once.',
  })
}

function requireOwn(unsafe: Unsafe | undefined): void {
  if (!unsafe) return
  throw new Fault('HOOK_UNWRITABLE', `${unsafe.path}: ${unsafe.says}`, {
    advice: `Run it as the user that owns the directory and runs the ACME client; or ${unsafe.advice}.`,
  })
}

/** O_NOFOLLOW: a link of this name was not created by install-hook, whatever its target. */
export const readHook = (path: string): Promise<Found | undefined> =>
  onDisk(path, async () => {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = await open(path, flags).catch(missingOrForeign)
    if (!file || !('fd' in file)) return file
    try {
      const entry = await file.stat()
      const mode = entry.mode & 0o7777
      if (!entry.isFile()) return { mode }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HOOK_BYTES), 0, MAX_HOOK_BYTES, 0)
      return { mode, text: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  })

export const writeHook = (path: string, { text, mode }: Required<Found>): Promise<void> =>
  onDisk(path, async () => {
    await makeFolder(dirname(path))
    // in a folder such as /tmp another user may have created it first
    requireOwn(unsafePath(dirname(path)))
    await replaceFileAtomic(path, text, mode)
  })

export const removeHook = (path: string): Promise<void> =>
  onDisk(path, async () => {
    await rm(path, { force: true })
    await syncFolder(dirname(path))
  })

/** A certificate of acme.sh. Its configuration is a shell file, which is read and never run. */
interface AcmeCertificate {
  readonly name: string
  readonly conf: string
  /** The deploy hooks that acme.sh runs for it, in order. */
  readonly hooks: readonly string[]
}

/** Whether acme.sh runs the installed hook for it. */
export const isDeploying = ({ hooks }: AcmeCertificate) => hooks.includes('certferry')

export const acmeConf = (directory: string, name: string) => join(directory, name, `${domainOf(name)}.conf`)

export async function acmeCertificates(directory: string): Promise<readonly AcmeCertificate[]> {
  const names = await readdir(directory).catch(() => [])
  const found = names.map(async name => {
    const conf = acmeConf(directory, name)
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

/** Links and sockets cannot be opened; install-hook creates neither. */
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

/** Readable for other users, as the clients' own folders are, whatever the umask. */
async function makeFolder(folder: string): Promise<void> {
  for (const made of makeFolders(folder)) await chmod(made, 0o755)
}
