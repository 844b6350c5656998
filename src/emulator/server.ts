/** A local ssl.tencentcloudapi.com: opens the port and puts gateway, vault and reception together. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Duplicates } from './actions.ts'
import {
  type Answers,
  type InjectedFault,
  type InjectedFaultRequest,
  injectFault,
  nameOf,
  type Reply,
} from './faults.ts'
import { type Account, type Answer, answer, createLimit, type Gateway, refused } from './gateway.ts'
import { type IncomingRequest, namesSent, parseRequest } from './request.ts'
import { createStore, type StoredCertificate } from './store.ts'

export interface RequestEntry {
  readonly n: number
  /** Milliseconds, when the request's headers arrived. */
  readonly at: number
  readonly action: string
  /** `OK`, an API error code, or the mischief's name. */
  readonly code: string
  readonly certificateId: string | undefined
  /** The names of the parameters sent, never their values. */
  readonly parameters: readonly string[]
}

interface ServerOptions {
  readonly gateway: Gateway
  readonly now: () => number
  readonly newRequestId: () => string
  readonly mischief: (request: InjectedFaultRequest) => InjectedFault | undefined
  readonly record: (entry: RequestEntry) => void
}

function answersTo(arrival: IncomingRequest, { gateway, newRequestId }: ServerOptions): Answers {
  const requestId = newRequestId()
  return {
    carryOut: () => answer(arrival, gateway, requestId),
    refuse: refusal => refused(refusal, arrival, requestId),
  }
}

function certificateIdIn(answered: Answer | undefined): string | undefined {
  const { CertificateId, RepeatCertId } = answered?.response ?? {}
  const id = CertificateId || RepeatCertId
  return typeof id === 'string' && id !== '' ? id : undefined
}

function send(reply: Reply, response: ServerResponse, now: number): void {
  if (reply.reset) {
    response.socket?.resetAndDestroy()
    return
  }
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
    date: new Date(now).toUTCString(),
  })
  response.end(reply.body)
}

async function serve(
  n: number,
  request: IncomingMessage,
  response: ServerResponse,
  reception: ServerOptions,
): Promise<void> {
  const at = reception.now() // before the first await: this is the moment the rate is counted by
  const arrival = await parseRequest(request, at)
  const action = arrival.headers['x-tc-action'] ?? ''
  const mischief = reception.mischief({ n, action })
  const { answer: answered, reply } = injectFault(mischief, answersTo(arrival, reception))
  // A stall must not keep a process alive that has nothing else to do.
  if (reply.delay > 0) await setTimeout(reply.delay, undefined, { ref: false })
  // Before the reply leaves: whoever has read the reply may look for its entry.
  reception.record({
    n,
    at,
    action,
    code: mischief === undefined ? (answered?.code ?? '') : nameOf(mischief),
    certificateId: certificateIdIn(answered),
    parameters: namesSent(arrival),
  })
  send(reply, response, reception.now())
}

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
