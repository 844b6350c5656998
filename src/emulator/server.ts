/** A local ssl.tencentcloudapi.com: opens the port and puts gateway, vault and reception together. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Account } from './gateway.ts'
import { createLimit } from './limit.ts'
import type { InjectedFault, InjectedFaultRequest } from './mischief.ts'
import { type RequestEntry, type ServerOptions, serve } from './reception.ts'
import type { Duplicates } from './upload.ts'
import { createStore, type StoredCertificate } from './vault.ts'

export type { Account } from './gateway.ts'
export type { InjectedFault, InjectedFaultName, InjectedFaultRequest } from './mischief.ts'
export type { RequestEntry } from './reception.ts'
export type { Duplicates } from './upload.ts'
export type { StoredCertificate } from './vault.ts'

/** Not a secret and no key of Tencent Cloud's: these words open the emulator and nothing else. */
export const DEMO_CREDENTIALS = {
  secretId: 'certferry-demo',
  secretKey: 'not-a-secret-opens-only-the-emulator',
} as const

export interface EmulatorOptions {
  /** 0, the default, takes any free port. Always on 127.0.0.1. */
  readonly port?: number
  /** Requests a second for each account and action; Infinity for no limit. */
  readonly rate?: number
  /** By secretId. They are keys of one main account: they see the same certificates. */
  readonly accounts?: Readonly<Record<string, Account>>
  /** Milliseconds; also what the Date header says. */
  readonly now?: () => number
  readonly dice?: () => number
  readonly mischief?: (request: InjectedFaultRequest) => InjectedFault | undefined
  readonly duplicates?: Duplicates
  /** Called with one entry for every request, as its answer goes out. */
  readonly onRequest?: (entry: RequestEntry) => void
}

export interface Emulator {
  readonly url: string
  readonly entries: readonly RequestEntry[]
  readonly certificates: () => readonly StoredCertificate[]
  /** Ends open connections and resolves when the port is free. */
  readonly close: () => Promise<void>
}

const DEMO_ACCOUNTS = { [DEMO_CREDENTIALS.secretId]: { secretKey: DEMO_CREDENTIALS.secretKey } }

/** A UUID of version 4, from the emulator's own dice. */
const uuid = (dice: () => number) =>
  'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replaceAll('x', () => Math.floor(dice() * 16).toString(16))

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

const close = (server: Server) =>
  new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

function serverFor(reception: ServerOptions): Server {
  let count = 0
  // A GET may carry 32 KB of query, more than Node's 16 KB for all of the headers.
  return createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    count += 1
    serve(count, request, response, reception).catch(error => {
      response.destroy()
      // A client that hangs up half-way is no matter; anything else is a bug and must not pass unseen.
      if (request.complete) throw error
    })
  })
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { now = Date.now, dice = Math.random, rate = 10, duplicates = 'both' } = options
  const vault = createStore(dice)
  const newId = () => uuid(dice)
  const entries: RequestEntry[] = []
  const server = serverFor({
    gateway: {
      accounts: options.accounts ?? DEMO_ACCOUNTS,
      limit: createLimit(rate),
      office: { vault, duplicates, now, newId },
    },
    now,
    newRequestId: newId,
    mischief: options.mischief ?? (() => undefined),
    record: entry => {
      entries.push(entry)
      options.onRequest?.(entry)
    },
  })
  const { port } = await listen(server, options.port ?? 0)
  return { url: `http://127.0.0.1:${port}`, entries, certificates: vault.all, close: () => close(server) }
}
