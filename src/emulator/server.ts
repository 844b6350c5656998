/** A local stand-in for ssl.tencentcloudapi.com: strict about signatures, types and limits. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createAccount } from './account.ts'
import type { Duplicates } from './certificates.ts'
import { settleDeletions } from './certificates.ts'
import { type Control, createControl } from './control.ts'
import { type FaultInjector, faultName, injectFault, type Reply } from './faults.ts'
import { type Account, type Answer, answer, createRateLimit, type Gateway, refuse } from './gateway.ts'
import { type IncomingRequest, type JournalEntry, journalBody, parameterNames } from './request.ts'
import { type CertificateSeed, type ResourceInput, readSeed, type TrapChoices } from './resources.ts'
import type { CloudAccount } from './state.ts'
import type { StoredCertificate } from './store.ts'

/** These open the emulator only. */
export const DEMO_CREDENTIALS = {
  secretId: 'certferry-demo',
  secretKey: 'not-a-secret-opens-only-the-emulator',
} as const

const DEMO_ACCOUNTS = { [DEMO_CREDENTIALS.secretId]: { secretKey: DEMO_CREDENTIALS.secretKey } }

export interface RequestEntry {
  readonly n: number
  /** Milliseconds, when the request's headers arrived. */
  readonly at: number
  readonly action: string
  /** `OK`, an API error code, or the name of the injected fault. */
  readonly code: string
  readonly certificateId: string | undefined
  /** The names of the parameters sent, never their values. */
  readonly parameters: readonly string[]
}

export interface EmulatorOptions {
  /** 0, the default, takes any free port. Always on 127.0.0.1. */
  readonly port?: number
  /** Requests per second for each account and action; Infinity for no limit. */
  readonly rate?: number
  /** By secretId. All are keys of one main account and see the same certificates. */
  readonly accounts?: Readonly<Record<string, Account>>
  /** Milliseconds; also the time of the Date header. */
  readonly now?: () => number
  readonly dice?: () => number
  readonly faults?: FaultInjector
  readonly duplicates?: Duplicates
  /** What the account has at the start. */
  readonly certificates?: readonly CertificateSeed[]
  readonly resources?: readonly ResourceInput[]
  readonly traps?: TrapChoices
  /** How many seconds of scans, jobs and searches pass in one; signatures and the rate keep to `now`. */
  readonly timeScale?: number
  /** Called once for every request, before its reply is sent. */
  readonly onRequest?: (entry: RequestEntry) => void
}

export interface Emulator extends Control {
  readonly url: string
  readonly entries: readonly RequestEntry[]
  /** What was asked, without the text of any key or certificate, and what was answered. */
  readonly journal: readonly JournalEntry[]
  readonly certificates: () => readonly StoredCertificate[]
  /** For the edge that belongs to this account. */
  readonly account: CloudAccount
  /** Ends open connections and resolves when the port is free. */
  readonly close: () => Promise<void>
}

interface ServerContext {
  readonly gateway: Gateway
  readonly now: () => number
  readonly newId: () => string
  readonly faults: FaultInjector
  readonly record: (entry: RequestEntry, request: IncomingRequest) => void
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { now = Date.now, dice = Math.random, rate = 10, duplicates = 'both' } = options
  const { certificates = [], resources = [], traps = {}, timeScale = 1 } = options
  const seed = readSeed({ certificates, resources, traps })
  const account = createAccount({ seed, now, dice, timeScale })
  const newId = () => uuid(dice)
  const entries: RequestEntry[] = []
  const journal: JournalEntry[] = []
  const server = createEmulatorServer({
    gateway: {
      accounts: options.accounts ?? DEMO_ACCOUNTS,
      limit: createRateLimit(rate),
      backend: { account, duplicates },
    },
    now,
    newId,
    faults: options.faults ?? (() => undefined),
    record: (entry, request) => {
      const { n, at, action, code } = entry
      entries.push(entry)
      journal.push({ n, at, action, code, body: journalBody(request) })
      options.onRequest?.(entry)
    },
  })
  const { port } = await listen(server, options.port ?? 0)
  return {
    ...createControl(account),
    url: `http://127.0.0.1:${port}`,
    entries,
    journal,
    account,
    certificates: () => {
      settleDeletions(account)
      return account.store.all()
    },
    close: () => close(server),
  }
}

function createEmulatorServer(context: ServerContext): Server {
  let count = 0
  return createServer((request, response) => {
    count += 1
    serve(count, request, response, context).catch(error => {
      response.destroy()
      // a client that disconnects early is no error; anything else is a bug and must not pass unseen
      if (request.complete) throw error
    })
  })
}

async function serve(
  n: number,
  incoming: IncomingMessage,
  response: ServerResponse,
  { gateway, now, newId, faults, record }: ServerContext,
): Promise<void> {
  const at = now() // before the first await, for the rate limit counts arrivals
  const request = await readRequest(incoming, at)
  const action = request.headers['x-tc-action'] ?? ''
  const fault = faults({ n, action })
  const requestId = newId()
  const { answer: given, reply } = injectFault(fault, {
    perform: () => answer(request, gateway, requestId),
    refuse: error => refuse(error, request, requestId),
  })
  // a stall must not keep a process alive that has nothing else to do
  if (reply.delay > 0) await setTimeout(reply.delay, undefined, { ref: false })
  const entry = {
    n,
    at,
    action,
    code: fault === undefined ? (given?.code ?? '') : faultName(fault),
    certificateId: certificateIdIn(given),
    parameters: parameterNames(request),
  }
  record(entry, request)
  send(reply, response, now())
}

function certificateIdIn(given: Answer | undefined): string | undefined {
  const { CertificateId, RepeatCertId } = given?.response ?? {}
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

/** A UUID of version 4. */
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

/** The service's own limit, in bytes. */
const MAX_BODY_BYTES = 10 * 1024 * 1024

/** Reads to the end even past the limit: a client that is still writing would not see the reply. */
async function readRequest(request: IncomingMessage, at: number): Promise<IncomingRequest> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value ?? '')])
  return {
    at,
    method: request.method ?? '',
    path: request.url ?? '/',
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
    oversized: size > MAX_BODY_BYTES,
  }
}
