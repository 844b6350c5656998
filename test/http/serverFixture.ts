/** The daemon's HTTP on a real socket, and callers as they come. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type NetConnectOpts } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { listenAddress } from '../../src/config/values.ts'
import { type HttpOptions, startHttpServer } from '../../src/http/server.ts'

export async function openStage(changes: Partial<HttpOptions> = {}) {
  const errors: unknown[] = []
  const http = await startHttpServer({
    listen: '127.0.0.1:0',
    live: () => true,
    ready: () => true,
    metrics: async () => 'a 1\n',
    onError: error => errors.push(error),
    ...changes,
  })
  onTestFinished(() => http.close())
  const at = listenAddress(http.address)
  const target = 'path' in at ? { socketPath: at.path } : at

  const ask = async (path: string, method = 'GET') => {
    const sent = request({ ...target, path, method, agent: false }).end()
    const [answer] = await once(sent, 'response')
    return { status: answer.statusCode, headers: answer.headers, text: await text(answer) }
  }
  /** What comes back for these bytes until the other side hangs up. */
  const say = async (bytes: string) => {
    const caller = connect(at as NetConnectOpts).on('error', () => {})
    caller.write(bytes)
    return text(caller)
  }
  /** A caller that is connected and says nothing more than this. */
  const hold = async (bytes = '') => {
    const caller = connect(at as NetConnectOpts).on('error', () => {})
    await once(caller, 'connect')
    if (bytes) await new Promise(resolve => caller.write(bytes, resolve))
    return caller
  }
  return { http, ask, say, hold, errors }
}
