/** Reads a lineage's chain and key, and says whether they may still be being written. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { CLIENTS } from '../acme/clients.ts'
import type { Stored } from '../acme/traefikStore.ts'
import type { Files } from '../certificate/bundle.ts'
import type { SourceKind } from '../config/values.ts'
import { Fault, type FaultCode } from '../errors.ts'
import { isFolder, isThere, isTimedElsewhere } from '../files/fileSystem.ts'
import {
  anyText,
  BETWEEN_READS_MS,
  type FileContents,
  type FileStat,
  type OnSecret,
  RECENT_MS,
  readSecretFile,
  readTextFile,
  type Waiting,
} from '../files/readFile.ts'
import { type Secret, secret } from '../secret.ts'
import { SETTLED_MS } from '../util/schedule.ts'
import { type FileStamps, isReliable, stampOf } from './fileStamp.ts'
import type { Lineage } from './lineage.ts'

/** In bytes: a file that holds thousands of certificates, each with its key in base64. */
const MAX_STORE_BYTES = 1 << 26

/** After this long without a write no renewal is under way. */
export const STILL = 60_000

/**
 * @throws Fault PAIR_INCOMPLETE where a file of a client's folder is not there (yet), FILE_MISSING where the operator
 * named it, PAIR_CHANGING where two reads differ, FILE_UNREADABLE, FILE_INVALID.
 */
export async function readPair(
  lineage: Lineage,
  {
    now,
    wait,
    timedElsewhere = isTimedElsewhere,
    onSecret,
  }: Waiting & { readonly onSecret?: OnSecret | undefined },
): Promise<{ files: Files; settled: boolean; marks: FileStamps | undefined }> {
  // files are read synchronously: other work gets its turn between two lineages
  await setImmediate()
  const { chain: path, key: keyPath, upload } = lineage
  const password =
    keyPath !== undefined && upload.keyPasswordFile
      ? await readPassword(upload.keyPasswordFile, onSecret)
      : undefined
  // before it is read: a process may be stopped for a second after that
  const began = now().getTime()
  const first = await readBoth(lineage, now(), onSecret)
  const age = [path, keyPath ?? path].some(timedElsewhere) ? 0 : began - first.writtenAt
  let last = first
  if (age < RECENT_MS) {
    await wait(BETWEEN_READS_MS)
    last = await readBoth(lineage, now(), onSecret)
    if (last.chain !== first.chain || last.key !== first.key)
      throw new Fault('PAIR_CHANGING', `${path}: changed while it was read`)
  }
  const { chain, key, notes } = first
  return {
    files: {
      chain: { path, text: chain },
      key: keyPath !== undefined && key !== undefined ? { path: keyPath, text: key, password } : undefined,
      notes,
      still: age >= STILL,
    },
    settled: age >= SETTLED_MS,
    marks: last.stats.every(stat => isReliable(stat, now().getTime())) ? stampsIn(last) : undefined,
  }
}

/** Chain and key as text. */
interface Both {
  readonly chain: string
  readonly key: string | undefined
  readonly notes?: readonly string[]
  readonly writtenAt: number
  /** Of the chain's file, then the key's. */
  readonly stats: readonly FileStat[]
}

function stampsIn({ stats }: Both): FileStamps {
  const [chain = '', key = null] = stats.map(stampOf)
  return { chain, key }
}

async function readBoth(lineage: Lineage, now: Date, onSecret: OnSecret | undefined): Promise<Both> {
  const { name, kind, chain: path, key: keyPath } = lineage
  if (kind === 'traefik') {
    const { stored, writtenAt, stat } = await readStore(path, { now, missing: 'PAIR_INCOMPLETE', onSecret })
    const { entryNamed } = await import('../acme/traefikStore.ts')
    return { ...entryNamed(name, stored, { path, now }), writtenAt, stats: [stat, stat] }
  }
  const missing = kind === 'pem' ? 'FILE_MISSING' : 'PAIR_INCOMPLETE'
  const chain = await readTextFile(path, { missing })
  if (keyPath === undefined)
    return { chain: anyText(chain), key: undefined, writtenAt: chain.writtenAt, stats: [chain.stat] }
  const key = await readSecretFile(keyPath, { what: 'private key', onSecret, missing }).catch(error => {
    throw kind !== 'pem' && isKeyElsewhere(kind, name, keyPath)
      ? new Fault(
          'KEY_ELSEWHERE',
          `${keyPath}: is not there, and ${kind} has none: it signed a request (CSR) whose key is kept elsewhere`,
        )
      : error
  })
  const writtenAt = Math.max(chain.writtenAt, key.writtenAt)
  return { chain: anyText(chain), key: anyText(key), writtenAt, stats: [chain.stat, key.stat] }
}

/** Whether the client left the file that marks a certificate without a key; any other key is awaited. */
function isKeyElsewhere(kind: Exclude<SourceKind, 'pem' | 'traefik'>, name: string, path: string): boolean {
  const { keyless, key } = CLIENTS[kind]
  if (!keyless || !path.endsWith(`/${key(name)}`)) return false
  // in this order: where the marker is there, the key was written before it
  return isThere(join(path.slice(0, -key(name).length), keyless(name))) && !isThere(path)
}

interface StoreOptions {
  readonly now?: Date
  readonly missing?: FaultCode
  readonly onSecret?: OnSecret | undefined
}

/** Reads all certificates that Traefik keeps in one file. @throws Fault as readTextFile, and as storedIn. */
export async function readStore(
  path: string,
  { now = new Date(), missing = 'SOURCE_MISSING', onSecret }: StoreOptions = {},
): Promise<Pick<FileContents, 'writtenAt' | 'stat'> & { readonly stored: readonly Stored[] }> {
  const { storedIn, STORE_ADVICE } = await import('../acme/traefikStore.ts')
  const options = { what: 'file of private keys', onSecret, missing, most: MAX_STORE_BYTES }
  const { text, writtenAt, stat } = await readSecretFile(path, options).catch(error => {
    if (!(error instanceof Fault) || error.code !== 'FILE_INVALID') throw error
    throw isFolder(path)
      ? new Fault('FILE_INVALID', `${path}: is a folder, and Traefik keeps its certificates in one file`, {
          advice: `${STORE_ADVICE} Docker makes a folder if the file to be mounted does not exist.`,
        })
      : new Fault('FILE_INVALID', error.message, { advice: STORE_ADVICE })
  })
  return { stored: storedIn(path, text, now.getTime() - writtenAt), writtenAt, stat }
}

/** The file's text without the newline that an editor puts at its end. */
export async function readPassword(file: string, onSecret?: OnSecret): Promise<Secret> {
  const { text } = await readSecretFile(file, { what: 'password', onSecret })
  return secret(text.replace(/\r?\n$/, ''))
}
