/** Held to the signer of Tencent Cloud's own SDK, over generated requests. */
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { secret } from '../../src/secret.ts'
import { authorization } from '../../src/tencent/signature.ts'

interface Official {
  readonly sign3: (request: {
    readonly method: string
    readonly url: string
    readonly payload: Buffer
    readonly timestamp: number
    readonly service: string
    readonly secretId: string
    readonly secretKey: string
    readonly multipart: boolean
    readonly boundary: string
    readonly headers: Readonly<Record<string, string>>
  }) => string
}
// CommonJS that marks itself as compiled: what `import` makes of its default differs from loader to loader
const { default: official }: { readonly default: Official } = createRequire(import.meta.url)(
  'tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js',
)

interface Request {
  readonly host: string
  readonly contentType: string
  readonly body: string
  readonly timestamp: number
  readonly secretId: string
  readonly secretKey: string
}

const theirs = ({ host, contentType, body, ...rest }: Request) =>
  official.sign3({
    ...rest,
    method: 'POST',
    url: `https://${host}/`,
    payload: Buffer.from(body),
    service: 'ssl',
    multipart: false,
    boundary: '',
    headers: { 'Content-Type': contentType },
  })

const ours = (
  { host, contentType, body, timestamp, secretId, secretKey }: Request,
  payload: string | Buffer = body,
) =>
  authorization(
    { headers: { 'content-type': contentType, host }, payload, timestamp, service: 'ssl' },
    secretId,
    secret(secretKey),
  )

const DAY = 86_400
/** Any second, and those around the turn of a UTC day, where a local date would be another one. */
const timestamp = fc.oneof(
  fc.integer({ min: 0, max: 4_102_444_800 }),
  fc
    .tuple(fc.integer({ min: 1, max: 47_000 }), fc.integer({ min: -2, max: 2 }))
    .map(([day, seconds]) => day * DAY + seconds),
)

const request: fc.Arbitrary<Request> = fc.record({
  host: fc.oneof(
    fc.constantFrom('ssl.tencentcloudapi.com', 'ssl.intl.tencentcloudapi.com', '127.0.0.1'),
    fc.domain(),
  ),
  contentType: fc.constantFrom('application/json', 'application/json; charset=utf-8'),
  body: fc.oneof(
    fc.json({ stringUnit: 'binary' }),
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.constant('{}'),
  ),
  timestamp,
  secretId: fc.stringMatching(/^[A-Za-z0-9]{1,40}$/),
  secretKey: fc.oneof(fc.stringMatching(/^[A-Za-z0-9]{32}$/), fc.string({ unit: 'grapheme' })),
})

describe('same request, same signature', () => {
  test('over UTF-8 bodies, hosts, keys, and seconds around the turn of the UTC day', () => {
    fc.assert(
      fc.property(request, one => {
        expect(ours(one)).toBe(theirs(one))
      }),
      { numRuns: 1_000 },
    )
  })

  test('whether the body is given as text or as its bytes', () => {
    fc.assert(
      fc.property(request, one => {
        expect(ours(one, Buffer.from(one.body))).toBe(ours(one))
      }),
    )
  })
})

test('a request that differs in anything has another signature', () => {
  const base: Request = {
    host: 'ssl.tencentcloudapi.com',
    contentType: 'application/json',
    body: '{}',
    timestamp: 1_767_225_599,
    secretId: 'id',
    secretKey: 'key',
  }
  const changes: ReadonlyArray<Partial<Request>> = [
    { host: 'ssl.intl.tencentcloudapi.com' },
    { contentType: 'application/json; charset=utf-8' },
    { body: '{} ' },
    { timestamp: 1_767_225_600 },
    { secretKey: 'Key' },
  ]
  const signature = (one: Request) => ours(one).split('Signature=')[1]
  const all = [base, ...changes.map(change => ({ ...base, ...change }))].map(signature)
  expect(new Set(all).size).toBe(all.length)
})
