/** The temporary credentials of a cloud machine's role, from its metadata service. */
import { lookup as lookUpName } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import { Fault } from '../errors.ts'
import { readTextFile } from '../files/readFile.ts'
import { requestTarget, requestWith } from '../http/agent.ts'
import { secret } from '../secret.ts'
import type { Credentials } from './credentials.ts'

/** Where the firmware tells who made the machine; every user may read it, and nobody on the network writes it. */
const MAKER_FILE = '/sys/class/dmi/id/sys_vendor'

/** As kernels print it on such machines ("Hardware name: Tencent Cloud CVM"); older ones have the second. */
const MAKERS: readonly string[] = ['Tencent Cloud', 'Smdbmds']

const isCloudMachine = (file = MAKER_FILE): Promise<boolean> =>
  readTextFile(file).then(
    ({ text }) => MAKERS.includes(text.trim()),
    () => false,
  )

/** RFC 3927: addresses that no router passes on. */
const isLinkLocal = ({ address }: { readonly address: string }) => address.startsWith('169.254.')

/** Looks a name up and lets only link-local addresses through: a resolver may be anybody's, the own link is the host's. */
export const linkLocalLookup =
  (lookUp: typeof lookUpName = lookUpName): LookupFunction =>
  (name, options, done) => {
    lookUp(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '')
      const near = addresses.filter(isLinkLocal)
      const [first] = near
      if (!first) return done(strayed(name, addresses[0]?.address), '')
      return options.all ? done(null, near) : done(null, first.address, first.family)
    })
  }

const strayed = (name: string, address = 'nowhere') =>
  new Fault('CREDENTIALS_UNREADABLE', `${name} leads to ${address}, and not to this machine's own host`, {
    advice: 'See whose resolver /etc/resolv.conf names; [tencent] instance_role = true asks all the same.',
  })

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
  if (wanted === false) return 'by [tencent] instance_role = false no role is asked for'
  if (wanted === undefined && !(await isCloudMachine(maker)))
    return "this machine is not Tencent Cloud's, so it was asked for no role ([tencent] instance_role = true asks all the same)"
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
