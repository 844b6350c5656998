/** What a service, a gateway or a network may do to a request in place of an honest answer. */
import type { FaultCode } from '../../../src/errors.ts'
import { type Answer, type Exchange, give, type Trouble } from './faultInjectingProxy.ts'

export interface FarFault {
  readonly fault: string
  readonly how: string
  /** What the log calls it; undefined where it does no harm. */
  readonly code: FaultCode | undefined
  readonly apiCode?: string
  readonly trouble: Trouble
}

export const JSON_TYPE = { 'content-type': 'application/json' }
export const HTML = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\r\n'

type Simple = Partial<Omit<Answer, 'body'>> & { readonly body?: string | Buffer }
const whole = ({ status = 200, headers = JSON_TYPE, body = '' }: Simple): Answer => ({
  status,
  headers,
  body: Buffer.from(body),
})

/** Nothing is carried out. */
export const instead =
  (answer: Simple): Trouble =>
  ({ response }) =>
    give(response, whole(answer))

/** Carried out, and then answered otherwise. */
export const afterwards =
  (spoil: (honest: string) => Simple): Trouble =>
  async ({ carryOut, response }) =>
    give(response, whole(spoil((await carryOut()).body.toString())))

/** Carried out, with what stands under Response changed. */
export const twisted = (change: (response: Record<string, unknown>) => unknown): Trouble =>
  afterwards(honest => ({ body: JSON.stringify({ Response: change(JSON.parse(honest).Response) }) }))

/** Bytes as they are, past HTTP's own rules, after the request has been carried out or without. */
export const raw =
  (bytes: string | Buffer, end: (exchange: Exchange) => unknown, carried = false): Trouble =>
  async exchange => {
    if (carried) await exchange.carryOut()
    exchange.socket.write(bytes, () => void end(exchange))
  }
export const reset = ({ socket }: Exchange) => socket.resetAndDestroy()
export const hangUp = ({ socket }: Exchange) => socket.end()

export const refusal = (apiCode: string, message: string): Trouble =>
  instead({
    body: JSON.stringify({ Response: { Error: { Code: apiCode, Message: message }, RequestId: 'r-1' } }),
  })

export const unreadable = (fault: string, how: string, trouble: Trouble): FarFault => ({
  fault,
  how,
  code: 'REPLY_UNREADABLE',
  trouble,
})

export const [DONE, UNDONE] = ['carried out, then answered so', 'answered so, nothing carried out'] as const
