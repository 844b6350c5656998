/** Signatures in a loop, ours and the official SDK's in turns; and how often the signing key is derived. */
import crypto from 'node:crypto'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { performance } from 'node:perf_hooks'
import { secret } from '../../src/secret.ts'
import { authorization } from '../../src/tencent/signature.ts'
import { estimate, median } from '../pairs.ts'
import type { Figure } from '../verdict.ts'
import type { Workplace } from '../workplace.ts'

interface Official {
  readonly sign3: (request: Readonly<Record<string, unknown>>) => string
}
// CommonJS that marks itself as compiled: what `import` makes of its default differs from loader to loader
const { default: official }: { readonly default: Official } = createRequire(import.meta.url)(
  'tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js',
)

const HOST = 'ssl.tencentcloudapi.com'
const TYPE = 'application/json; charset=utf-8'
const ID = 'AKIDEXAMPLE'
const KEY = 'not-a-secret'
/** As long as the body of an upload with two certificates and a key. */
const BODY = JSON.stringify({
  CertificatePublicKey: 'x'.repeat(3_000),
  CertificatePrivateKey: 'x'.repeat(250),
})
/** Given text, the SDK's signer would quote it once more. */
const BYTES = Buffer.from(BODY)
const NOON = 1_767_268_800
const ROUNDS = 15

const masked = secret(KEY)
const ours = (i: number) =>
  authorization(
    {
      headers: { 'content-type': TYPE, host: HOST },
      payload: BODY,
      timestamp: NOON + (i % 3_600),
      service: 'ssl',
    },
    ID,
    masked,
  )
const theirs = (i: number) =>
  official.sign3({
    method: 'POST',
    url: `https://${HOST}/`,
    payload: BYTES,
    timestamp: NOON + (i % 3_600),
    service: 'ssl',
    secretId: ID,
    secretKey: KEY,
    multipart: false,
    boundary: '',
    headers: { 'Content-Type': TYPE },
  })

/** Signatures a second. */
function rateOf(sign: (i: number) => string, count: number): number {
  const start = performance.now()
  for (let i = 0; i < count; i++) sign(i)
  return (count * 1_000) / (performance.now() - start)
}

export async function signature({ sizes }: Workplace): Promise<readonly Figure[]> {
  if (ours(0) !== theirs(0)) throw new Error('the two signers do not agree')
  const rates = Array.from({ length: ROUNDS + 1 }, () => [
    rateOf(ours, sizes.signatures),
    rateOf(theirs, sizes.signatures),
  ]).slice(1) // the first round is the compiler's
  const [own, peer] = [0, 1].map(who => median(rates.map(pair => pair[who] ?? 0)))
  const derived = derivations(1_000)
  return [
    {
      id: 'signature-rate',
      ...estimate(rates.map(([ours = 0, theirs = 1]) => ours / theirs)),
      says: `${own?.toFixed(0)} against ${peer?.toFixed(0)} a second`,
    },
    {
      id: 'signature-key',
      value: derived,
      says: 'counted by the HMACs beyond one a request, three to a derivation',
    },
  ]
}

/** A signature is one HMAC with the signing key; the key is three more. All requests are of one day. */
export function derivations(requests: number): number {
  const { createHmac } = crypto
  let hmacs = 0
  crypto.createHmac = (...words) => {
    hmacs++
    return createHmac(...words)
  }
  syncBuiltinESMExports()
  try {
    // a key that nobody has signed with yet
    const fresh = secret(`${KEY}-${requests}`)
    for (let i = 0; i < requests; i++)
      authorization(
        { headers: { 'content-type': TYPE, host: HOST }, payload: BODY, timestamp: NOON + i, service: 'ssl' },
        ID,
        fresh,
      )
    return (hmacs - requests) / 3
  } finally {
    crypto.createHmac = createHmac
    syncBuiltinESMExports()
  }
}
