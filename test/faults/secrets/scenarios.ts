/** What a house may come to, each with what it takes; after the suites of faults, as seen by who looks for secrets. */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { InjectedFaultName } from '../../../src/emulator/faults.ts'
import { listening } from '../../http/httpServers.ts'
import type { Wishes } from './secretFixtures.ts'
import { PROXY_LOGIN, SECRET_KEY, TOKEN } from './secrets.ts'

export interface Scene extends Wishes {
  readonly name: string
  /** Whether the key reaches the service in the end: if it does, the ears are known to be open. */
  readonly arrives: boolean
  /** A pass would try for a minute and a half; a hook can be told not to. */
  readonly patient?: boolean
}

const once = (name: InjectedFaultName): Scene => {
  const spoiled: InjectedFaultName[] = [name]
  return {
    name: `the service answers once with ${name}`,
    arrives: true,
    emulator: { faults: () => spoiled.pop() },
  }
}

/** Quotes back all it is sent, head and body, where a message should be. */
const parrot = (onRequest: () => void) =>
  listening(
    createServer(async (request, response) => {
      const Message = `not this: ${JSON.stringify(request.headers)} ${await text(request)}`
      const Response = { Error: { Code: 'FailedOperation.CertificateInvalid', Message }, RequestId: Message }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ Response }), onRequest)
    }),
  )

export const SCENES: ReadonlyArray<() => Scene> = [
  () => ({ name: 'all is well', arrives: true }),
  () => ({ name: 'nobody hears what is told', arrives: true, deaf: true }),
  () => ({ name: 'keys do not fit, are damaged, cut off, in the wrong file', arrives: false, spoiled: true }),
  () => ({
    name: 'the API key is wrong',
    arrives: true,
    emulator: { accounts: { tester: { secretKey: 'another', token: TOKEN } } },
  }),
  () => once('gateway-throttle'),
  () => once('internal-error'),
  () => once('bad-gateway'),
  () => once('reset-before'),
  () => once('reset-after'),
  () => once('truncated'),
  () => ({ name: 'the service quotes back all it is sent', arrives: true, service: parrot }),
  () => ({ name: 'nothing listens', arrives: false, patient: true, service: async () => 9 }),
  () => ({
    name: 'the state directory is not a directory',
    arrives: false,
    env: { CERTFERRY_STATE_DIR: '/dev/null/state' },
  }),
  () => ({
    name: 'a proxy that is not there has a login',
    arrives: false,
    patient: true,
    env: {
      CERTFERRY_ENDPOINT: 'https://ssl.tencentcloudapi.com',
      HTTPS_PROXY: `http://me:${PROXY_LOGIN}@127.0.0.1:9`,
    },
  }),
  () => ({
    name: 'the API key stands in the configuration, where it should not',
    arrives: false,
    config: `[tencent]\nsecret_key = "${SECRET_KEY}"\nrate_per_second = "${TOKEN}"\n`,
  }),
  () => ({
    name: 'the API key has a blank in it',
    arrives: false,
    env: { TENCENTCLOUD_SECRET_KEY: `${SECRET_KEY} x` },
  }),
]
