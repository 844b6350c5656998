/** Serves one request: receive it, let mischief or the gateway decide, write it down, reply. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { type IncomingRequest, parseRequest } from './arrival.ts'
import { namesSent } from './body.ts'
import { type Answer, answer, type Gateway, refused } from './gateway.ts'
import {
  type Answers,
  type InjectedFault,
  type InjectedFaultRequest,
  injectFault,
  nameOf,
  type Reply,
} from './mischief.ts'

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

export interface ServerOptions {
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

export async function serve(
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
