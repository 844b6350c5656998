/** The temporary credentials of a CVM instance role, from the metadata service of the machine. */
import { Agent, type Dispatcher } from 'undici'
import { Fault } from '../errors.ts'
import { requestTarget, requestWith } from '../http/agent.ts'
import { secret } from '../secret.ts'
import { METADATA_TIMEOUT_MS } from '../util/schedule.ts'
import type { Credentials } from './credentials.ts'

const METADATA = 'http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/'

/** Names of roles. Outside the cloud a captive portal or a provider's search page may answer instead. */
const NAME = /^[\w+=,.@-]{1,128}$/

/**
 * The role's credentials, or a text why there are none. The server that answers here decides whose account receives the
 * private keys: it is asked only if the operator `wanted` it. @throws Fault CREDENTIALS_UNREADABLE for an unusable answer.
 */
export async function roleCredentials(
  wanted: boolean,
  { url = METADATA }: { readonly url?: string } = {},
): Promise<Credentials | string> {
  if (!wanted) return 'the instance role is not used (to use it, set [tencent] instance_role = true)'
  // without a proxy: the address means the host of this machine, and a proxy would ask for its own role
  const dispatcher = new Agent({ connect: { timeout: METADATA_TIMEOUT_MS } })
  try {
    return (await fetchCredentials(url, dispatcher)) ?? 'this machine has no role'
  } finally {
    await dispatcher.destroy()
  }
}

async function fetchCredentials(url: string, dispatcher: Dispatcher): Promise<Credentials | undefined> {
  const name = await get(dispatcher, url)
  if (!name || !NAME.test(name)) return undefined
  const fields = parseObject(await get(dispatcher, url + encodeURIComponent(name)))
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
async function get(dispatcher: Dispatcher, url: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(METADATA_TIMEOUT_MS)
    const { statusCode, body } = await requestWith(dispatcher, {
      ...requestTarget(new URL(url)),
      method: 'GET',
      signal,
    })
    const text = await body.text()
    return statusCode === 200 ? text.trim() : undefined
  } catch {
    return undefined
  }
}

function parseObject(text = ''): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
