/** The temporary credentials of a cloud machine's role, from its metadata service. */
import type { lookup as lookUpName } from 'node:dns'
import { Agent, type Dispatcher } from 'undici'
import { Fault } from '../core/fault.ts'
import { secret } from '../core/secret.ts'
import { isCloudMachine, linkLocalLookup } from './cloudMachine.ts'
import type { Credentials } from './credentials.ts'
import { requestTarget, requestWith } from './dispatcher.ts'

const METADATA = 'http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/'

/** Off the cloud the name does not resolve, or leads nowhere: nobody should wait long to learn it. In milliseconds. */
const METADATA_TIMEOUT_MS = 1_500

/** What a role may be called. Off the cloud a hotel's network or a provider's search page may answer in its place. */
const NAME = /^[\w+=,.@-]{1,128}$/

/** Anything but the defaults is a test's. */
export interface RoleOptions {
  readonly url?: string
  /** What the firmware says of the machine's maker. */
  readonly maker?: string
  readonly lookUp?: typeof lookUpName
}

/**
 * Credentials, or in words why there are none. Whoever answers here decides whose account receives the private keys, and
 * off the cloud that may be anybody on the network: so only Tencent Cloud's own machines ask, over their own link, unless
 * the operator has `wanted` it. @throws Fault CREDENTIALS_UNREADABLE for a role that answers nonsense.
 */
export async function roleCredentials(
  wanted: boolean | undefined,
  { url = METADATA, maker, lookUp }: RoleOptions = {},
): Promise<Credentials | string> {
  if (wanted === false) return 'by [tencent] role = false no role is asked for'
  if (wanted === undefined && !(await isCloudMachine(maker)))
    return "this machine is not Tencent Cloud's, so it was asked for no role ([tencent] role = true asks all the same)"
  // straight there: the address means this machine's own host, and a proxy would ask about itself
  const dispatcher = new Agent({
    connect: {
      timeout: METADATA_TIMEOUT_MS,
      ...(wanted === undefined && { lookup: linkLocalLookup(lookUp) }),
    },
  })
  try {
    return (await fetchCredentials(url, dispatcher)) ?? 'this machine has no role'
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
    const signal = AbortSignal.timeout(METADATA_TIMEOUT_MS)
    const { statusCode, body } = await requestWith(dispatcher, {
      ...requestTarget(new URL(url)),
      method: 'GET',
      signal,
    })
    const text = await body.text()
    return statusCode === 200 ? text.trim() : undefined
  } catch (error) {
    if (error instanceof Fault) throw error
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
