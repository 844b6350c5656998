/** One client for a test, with keys that stand out wherever they should not be, and a look for them in what it throws. */
import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { DEMO_CREDENTIALS } from '../../src/emulator/server.ts'
import { type AgentOptions, createAgent } from '../../src/http/agent.ts'
import { secret } from '../../src/secret.ts'
import { type Connection, createClient } from '../../src/tencent/client.ts'
import type { Credentials } from '../../src/tencent/credentials.ts'
import type { Parameters } from '../../src/tencent/response.ts'

const PRIVATE = 'hushPrivateKey'
/** A request's body such as the uploader makes, and as no error may quote it. */
export const BODY: Parameters = {
  Alias: '测试/é 🔑',
  CertificatePrivateKey: `-----BEGIN PRIVATE KEY-----\n${PRIVATE}\n-----END PRIVATE KEY-----\n`,
}

export const CREDENTIALS: Credentials = {
  origin: 'the test',
  secretId: DEMO_CREDENTIALS.secretId,
  secretKey: secret(DEMO_CREDENTIALS.secretKey),
}

const SECRETS = [PRIVATE, DEMO_CREDENTIALS.secretKey, 'hushToken']

/** Every property, hidden ones too, of an error and of all it refers to. */
function everything(value: unknown, seen = new Set<unknown>()): string {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return String(value)
  if (seen.has(value)) return ''
  seen.add(value)
  return Reflect.ownKeys(value)
    .map(name => everything(Reflect.get(value, name), seen))
    .join('\n')
}

/** What a promise was rejected with, proven to hold no secret anywhere. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    value => expect.fail(`expected a failure, not ${inspect(value)}`),
    reason => reason,
  )
  const text = `${everything(error)}\n${inspect(error, { depth: 20, showHidden: true })}\n${JSON.stringify(error)}`
  for (const one of SECRETS) expect(text).not.toContain(one)
  return error
}

type Wishes = Partial<
  Pick<Connection, 'region' | 'language' | 'now' | 'timeout'> & Pick<AgentOptions, 'limits'>
> & {
  readonly token?: string
}

export function callerOf(url: string, { limits, token, ...wishes }: Wishes = {}) {
  const endpoint = new URL(url)
  const dispatcher = createAgent({ endpoint, proxy: undefined, env: {}, ...(limits && { limits }) })
  onTestFinished(() => dispatcher.destroy())
  const offsets: number[] = []
  const credentials = token ? { ...CREDENTIALS, token: secret(token) } : CREDENTIALS
  const client = createClient({
    endpoint,
    region: undefined,
    language: 'en-US',
    dispatcher,
    credentials: { current: async () => credentials, renew: async () => false },
    now: Date.now,
    onClock: offset => offsets.push(offset),
    version: '1.2.3',
    ...wishes,
  })
  const call = (signal?: AbortSignal, body = BODY) => client.call('UploadCertificate', body, signal)
  return { client, call, offsets }
}
