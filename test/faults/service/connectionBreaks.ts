/** Connections that end before the answer does, or in which something else is spoken. */
import type { Trouble } from './faultInjectingProxy.ts'
import { type FarFault, hangUp, raw, reset, unreadable } from './serviceFaults.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n'
const broken = (fault: string, how: string, trouble: Trouble): FarFault => ({
  fault,
  how,
  code: 'NETWORK',
  trouble,
})

export const BREAKS: readonly FarFault[] = [
  broken('reset before commit', 'RST when the request has been read', reset),
  broken('reset after commit', 'RST when it has been carried out', async exchange => {
    await exchange.carryOut()
    reset(exchange)
  }),
  broken('closed before commit', 'FIN in place of an answer', hangUp),
  broken('closed after commit', 'FIN when it has been carried out', async exchange => {
    await exchange.carryOut()
    hangUp(exchange)
  }),
  broken(
    'reset within the header',
    'carried out; half a header, RST',
    raw('HTTP/1.1 200 OK\r\ncontent-', reset, true),
  ),
  broken(
    'closed within the body',
    'carried out; 11 of 500 bytes, FIN',
    raw(`${HEAD}{"Response"`, hangUp, true),
  ),
  broken(
    'reset within the body',
    'carried out; 11 of 500 bytes, RST',
    raw(`${HEAD}{"Response"`, reset, true),
  ),
  unreadable(
    'another protocol',
    'the greeting of an SSH server, nothing carried out',
    raw('SSH-2.0-OpenSSH_9.9\r\n', hangUp),
  ),
  unreadable(
    'a header without end',
    'carried out; 200 KiB of header lines',
    raw(`HTTP/1.1 200 OK\r\n${'x-more: of the same\r\n'.repeat(10_000)}`, () => {}, true),
  ),
]
