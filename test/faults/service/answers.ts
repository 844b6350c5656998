/** Answers of which the client can make nothing, or not what they seem. */
import { deflateSync, gzipSync } from 'node:zlib'
import {
  afterwards,
  DONE,
  type FarFault,
  HTML,
  instead,
  JSON_TYPE,
  refusal,
  twisted,
  UNDONE,
  unreadable,
} from './serviceFaults.ts'

const unwell = (apiCode: string): FarFault => ({
  fault: `${apiCode}`,
  how: 'answered so, nothing carried out',
  code: 'API_UNAVAILABLE',
  apiCode,
  trouble: refusal(apiCode, 'Please try again later.'),
})

const GZIP = { ...JSON_TYPE, 'content-encoding': 'gzip' }
const FLOOD = Buffer.alloc(2 << 20, '{"Response":{"a":"')
/** 64 MiB of blanks in 64 KiB. */
const BOMB = gzipSync(Buffer.alloc(64 << 20, 32))

export const ANSWERS: readonly FarFault[] = [
  ...['InternalError', 'ServiceUnavailable', 'FailedOperation.NetworkError'].map(unwell),
  unreadable(
    '502 with a page of HTML',
    UNDONE,
    instead({ status: 502, headers: { 'content-type': 'text/html' }, body: HTML }),
  ),
  unreadable(
    '502 with a page of HTML, after commit',
    DONE,
    afterwards(() => ({ status: 502, body: HTML })),
  ),
  unreadable(
    '200 with a page of HTML',
    UNDONE,
    instead({ headers: { 'content-type': 'text/html' }, body: HTML }),
  ),
  unreadable('503 without a body', UNDONE, instead({ status: 503 })),
  unreadable(
    'an empty answer',
    DONE,
    afterwards(() => ({})),
  ),
  unreadable(
    '204',
    DONE,
    afterwards(() => ({ status: 204, headers: {} })),
  ),
  unreadable(
    'JSON cut in half',
    DONE,
    afterwards(honest => ({ body: honest.slice(0, honest.length / 2) })),
  ),
  unreadable(
    'an answer of 2 MiB',
    DONE,
    afterwards(() => ({ body: FLOOD })),
  ),
  unreadable(
    'an answer of 2 MiB in which the ID stands',
    DONE,
    afterwards(honest => ({ body: honest + ' '.repeat(2 << 20) })),
  ),
  unreadable(
    'gzip cut in half',
    DONE,
    afterwards(honest => ({ headers: GZIP, body: gzipSync(honest).subarray(0, 40) })),
  ),
  {
    fault: 'invalid gzip',
    how: 'carried out, the answer called compressed',
    code: undefined,
    trouble: afterwards(honest => ({ headers: GZIP, body: honest })),
  },
  unreadable(
    'a gzip bomb of 64 MiB',
    DONE,
    afterwards(() => ({ headers: GZIP, body: BOMB })),
  ),
  {
    fault: 'gzip',
    how: 'carried out, the answer compressed',
    code: undefined,
    trouble: afterwards(honest => ({ headers: GZIP, body: gzipSync(honest) })),
  },
  {
    fault: 'deflate',
    how: 'carried out, the answer compressed',
    code: undefined,
    trouble: afterwards(honest => ({
      headers: { ...JSON_TYPE, 'content-encoding': 'deflate' },
      body: deflateSync(honest),
    })),
  },
  unreadable(
    'JSON null',
    DONE,
    afterwards(() => ({ body: 'null' })),
  ),
  unreadable(
    'a list for an envelope',
    DONE,
    afterwards(() => ({ body: '[]' })),
  ),
  unreadable(
    'null for a Response',
    DONE,
    twisted(() => null),
  ),
  unreadable(
    'text for a Response',
    DONE,
    twisted(() => 'ok'),
  ),
  unreadable(
    'a number for a RequestId',
    DONE,
    twisted(own => ({ ...own, RequestId: 7 })),
  ),
  unreadable(
    'a number for an ID',
    DONE,
    twisted(own => ({ ...own, CertificateId: 7, RepeatCertId: 7 })),
  ),
  unreadable(
    'a list for an ID',
    DONE,
    twisted(own => ({ ...own, CertificateId: [own.CertificateId], RepeatCertId: {} })),
  ),
  unreadable(
    'null IDs',
    DONE,
    twisted(own => ({ ...own, CertificateId: null, RepeatCertId: null })),
  ),
  unreadable(
    'empty IDs',
    DONE,
    twisted(own => ({ ...own, CertificateId: '', RepeatCertId: '' })),
  ),
  unreadable(
    'no IDs',
    DONE,
    twisted(({ RequestId }) => ({ RequestId })),
  ),
  unreadable(
    'an Error that is text',
    DONE,
    twisted(own => ({ ...own, Error: 'busy' })),
  ),
  unreadable(
    'an Error without a code',
    DONE,
    twisted(({ RequestId }) => ({ RequestId, Error: { Code: null, Message: null } })),
  ),
]
