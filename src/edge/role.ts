/** The temporary credentials of a cloud machine's role, from its metadata service. */
import { Agent, type Dispatcher, request } from 'undici'
import { Fault } from '../core/fault.ts'
import { secret } from '../core/secret.ts'
import type { Credentials } from './credentials.ts'

const METADATA = 'http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/'

/** Off the cloud the name does not resolve, or leads nowhere: nobody should wait long to learn it. In milliseconds. */
const PATIENCE = 1_500

/** What a role may be called. Off the cloud a hotel's network or a provider's search page may answer in its place. */
const NAME = /^[\w+=,.@-]{1,128}$/

/** Undefined off the cloud and where the machine has no role. @throws Fault CREDENTIALS_UNREADABLE for a role that answers nonsense. */
export async function roleCredentials(url = METADATA): Promise<Credentials | undefined> {
  // straight there: the address means this machine's own host, and a proxy would ask about itself
  const dispatcher = new Agent({ connect: { timeout: PATIENCE } })
  try {
    return await fetchCredentials(url, dispatcher)
  } finally {
    await dispatcher.destroy()
  }
}

async function fetchCredentials(url: string, dispatcher: Dispatcher): Promise<Credentials | undefined> {
  const name = await ask(dispatcher, url)
  if (!name || !NAME.test(name)) return undefined
  const reply = await ask(dispatcher, url + encodeURIComponent(name))
  const fields = parsed(reply)
  const { TmpSecretId: id, TmpSecretKey: key, Token: token, ExpiredTime: expires, Code: code } = fields
  if (
    code !== 'Success' ||
    typeof id !== 'string' ||
    typeof key !== 'string' ||
    typeof token !== 'string' ||
    typeof expires !== 'number'
  ) {
    throw new Fault('CREDENTIALS_UNREADABLE', `the machine's role "${name}" gave no credentials`)
  }
  return {
    origin: `role "${name}" of this machine`,
    secretId: id,
    secretKey: secret(key),
    token: secret(token),
    expiresAt: expires * 1000,
  }
}

/** The body of a 200 answer; undefined for 404 (no role) and for no answer at all. */
async function ask(dispatcher: Dispatcher, url: string): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(url, { dispatcher, signal: AbortSignal.timeout(PATIENCE) })
    const text = await body.text()
    return statusCode === 200 ? text.trim() : undefined
  } catch {
    return undefined
  }
}

function parsed(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
