/** Far ends behind TLS and behind a proxy, on loopback, and a process that calls them from outside. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { execPath } from 'node:process'
import type { TlsOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { AgentOptions } from '../../src/http/agent.ts'
import type { Pair } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { listening } from './httpServers.ts'

export interface Job extends Partial<Pick<AgentOptions, 'proxy' | 'env' | 'limits'>> {
  readonly endpoint: string
}

/** The request ID of the answer, or the code and the message of the fault. */
export type Ending = string

/** The service behind TLS; resolves to its port. */
export const secured = ({ chain, key }: Pick<Pair, 'chain' | 'key'>, options: TlsOptions = {}) =>
  listening(
    createSecureServer({ ...options, cert: chain, key }, (_, response) =>
      response.end(JSON.stringify({ Response: { RequestId: 'reached' } })),
    ),
  )

export interface ProxyHabits {
  /** Does this with a connection instead of making a tunnel. */
  readonly refuse?: (socket: Socket) => void
  /** Speaks TLS itself, with this certificate. */
  readonly tls?: Pick<Pair, 'chain' | 'key'>
}

/** An HTTP proxy: whatever name is asked for, the tunnel leads to `port`. Keeps what it was asked and what it saw. */
export async function proxyTo(port: number, { refuse, tls }: ProxyHabits = {}) {
  const asked: { readonly to: string; readonly authorization: string | undefined }[] = []
  const seen: Buffer[] = []
  const server = tls ? createSecureServer({ cert: tls.chain, key: tls.key }) : createServer()
  server.on('request', (_, response) => response.writeHead(400).end())
  server.on('connect', (request, socket: Socket) => {
    asked.push({ to: request.url ?? '', authorization: request.headers['proxy-authorization'] })
    if (refuse) return refuse(socket)
    const tunnel = connect(port, '127.0.0.1')
    tunnel.on('error', () => socket.destroy())
    socket.on('data', part => seen.push(part))
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    socket.pipe(tunnel).pipe(socket)
  })
  return {
    address: `127.0.0.1:${await listening(server)}`,
    asked,
    seen: () => Buffer.concat(seen).toString('latin1'),
  }
}

const TRAP = 'http://127.0.0.1:9'

const SCRIPT = fileURLToPath(new URL('outsideCall.ts', import.meta.url))

/** How each job ended, in a process that trusts `authority` by NODE_EXTRA_CA_CERTS, and that ended by itself. */
export async function fromOutside(
  authority: string,
  jobs: readonly Job[],
  more: Readonly<Record<string, string>> = {},
): Promise<readonly Ending[]> {
  const file = join(await temporaryDirectory(), 'authority.pem')
  await writeFile(file, authority)
  const { stdout } = await promisify(execFile)(execPath, [SCRIPT], {
    // the process's own proxy is a trap: only the environment that a job hands in may count
    env: {
      JOBS: JSON.stringify(jobs),
      NODE_EXTRA_CA_CERTS: file,
      HTTP_PROXY: TRAP,
      HTTPS_PROXY: TRAP,
      ...more,
    },
    timeout: 60_000,
  })
  return JSON.parse(stdout)
}
