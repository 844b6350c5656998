/** Reads a lineage's chain and key, and says whether anybody is still writing them. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { CLIENTS } from '../acme/clients.ts'
import type { Stored } from '../acme/traefikStore.ts'
import type { Files } from '../certificate/bundle.ts'
import { Fault, type FaultCode } from '../errors.ts'
import { isFolder, isTimedElsewhere } from '../files/fileSystem.ts'
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
import { isThere } from '../files/samePlace.ts'
import { type Secret, secret } from '../secret.ts'
import { SETTLED_MS } from '../util/schedule.ts'
import { type FileStamps, isReliable, stampOf } from './fileStamp.ts'
import type { Lineage } from './lineage.ts'

/** A file that holds thousands of certificates, each with its key in base64. */
const LARGEST_STORE = 1 << 26

/** After this long without a write no renewal is under way: what does not fit stays so. */
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
  // files are read at once: whoever waits for an answer meanwhile is let in between two lineages
  await setImmediate()
  const password = await passwordOf(lineage, onSecret)
  // not after it: a process that is stopped in between would find that it read something old
  const began = now().getTime()
  const first = await readBoth(lineage, now(), onSecret)
  const age = [lineage.chain, lineage.key ?? lineage.chain].some(timedElsewhere) ? 0 : began - first.writtenAt
  let last = first
  if (age < RECENT_MS) {
    await wait(BETWEEN_READS_MS)
    last = await readBoth(lineage, now(), onSecret)
    if (last.chain !== first.chain || last.key !== first.key) {
      throw new Fault('PAIR_CHANGING', `${lineage.chain}: changed while it was read`)
    }
  }
  const key =
    lineage.key !== undefined && first.key !== undefined
      ? { path: lineage.key, text: first.key, password }
      : undefined
  const files = {
    chain: { path: lineage.chain, text: first.chain },
    key,
    notes: first.notes,
    still: age >= STILL,
  }
  return { files, settled: age >= SETTLED_MS, marks: marksOf(last.standing, now().getTime()) }
}

interface Standings {
  readonly chain: FileStat
  readonly key: FileStat | undefined
}

function marksOf({ chain, key }: Standings, now: number): FileStamps | undefined {
  if (!isReliable(chain, now) || (key && !isReliable(key, now))) return undefined
  return { chain: stampOf(chain), key: key ? stampOf(key) : null }
}

interface Both {
  readonly chain: string
  readonly key: string | undefined
  readonly notes?: readonly string[]
  readonly writtenAt: number
  readonly standing: Standings
}

async function readBoth(lineage: Lineage, now: Date, onSecret: OnSecret | undefined): Promise<Both> {
  if (lineage.kind === 'traefik') return readStored(lineage, now, onSecret)
  const missing = lineage.kind === 'pem' ? 'FILE_MISSING' : 'PAIR_INCOMPLETE'
  const chain = await readTextFile(lineage.chain, { missing })
  const key =
    lineage.key === undefined
      ? undefined
      : await readSecretFile(lineage.key, { what: 'private key', onSecret, missing }).catch(
          explainingKeyless(lineage),
        )
  const writtenAt = Math.max(chain.writtenAt, key?.writtenAt ?? 0)
  const standing = { chain: chain.standing, key: key?.standing }
  return { chain: anyText(chain), key: key && anyText(key), writtenAt, standing }
}

/** A key that is not there is awaited, but for one that the client never had. */
const explainingKeyless =
  ({ kind, name, key = '' }: Lineage) =>
  (error: unknown): never => {
    const { keyless, key: keyOf } = kind === 'pem' || kind === 'traefik' ? {} : CLIENTS[kind]
    if (!keyless || !keyOf || !key.endsWith(`/${keyOf(name)}`)) throw error
    const sign = join(key.slice(0, -keyOf(name).length), keyless(name))
    // in this order: where the one is there, the other was written before it
    if (!isThere(sign) || isThere(key)) throw error
    throw new Fault(
      'KEY_ELSEWHERE',
      `${key}: is not there, and ${kind} has none: it signed a request (CSR) whose key is kept elsewhere`,
    )
  }

async function readStored(
  { name, chain: path }: Lineage,
  now: Date,
  onSecret: OnSecret | undefined,
): Promise<Both> {
  const { stored, writtenAt, standing } = await readStore(path, { now, missing: 'PAIR_INCOMPLETE', onSecret })
  const { entryNamed } = await import('../acme/traefikStore.ts')
  const entry = entryNamed(name, stored, { path, now })
  return { ...entry, writtenAt, standing: { chain: standing, key: standing } }
}

interface StoreReading {
  readonly now?: Date
  readonly missing?: FaultCode
  readonly onSecret?: OnSecret | undefined
}

/** All that a client keeps in one file. @throws Fault as readText, and as storedIn. */
export async function readStore(
  path: string,
  { now = new Date(), missing = 'SOURCE_MISSING', onSecret }: StoreReading = {},
): Promise<Omit<FileContents, 'text' | 'bytes' | 'mode'> & { readonly stored: readonly Stored[] }> {
  const { storedIn, STORE_ADVICE } = await import('../acme/traefikStore.ts')
  const { text, writtenAt, standing } = await readSecretFile(path, {
    what: 'private keys',
    onSecret,
    missing,
    most: LARGEST_STORE,
  }).catch(error => {
    if (!(error instanceof Fault) || error.code !== 'FILE_INVALID') throw error
    throw isFolder(path)
      ? new Fault('FILE_INVALID', `${path}: is a folder, and Traefik keeps its certificates in one file`, {
          advice: `${STORE_ADVICE} Docker makes a folder where a file that is to be mounted is not there.`,
        })
      : new Fault('FILE_INVALID', error.message, { advice: STORE_ADVICE })
  })
  return { stored: storedIn(path, text, now.getTime() - writtenAt), writtenAt, standing }
}

async function passwordOf(
  { upload, key }: Lineage,
  onSecret: OnSecret | undefined,
): Promise<Secret | undefined> {
  if (!upload.keyPasswordFile || key === undefined) return undefined
  return readPassword(upload.keyPasswordFile, onSecret)
}

/** The file's text without the newline that an editor puts at its end. */
export async function readPassword(file: string, onSecret?: OnSecret): Promise<Secret> {
  const { text } = await readSecretFile(file, { what: 'password', onSecret })
  return secret(text.replace(/\r?\n$/, ''))
}
