/**
 * Run by addresses.test.ts in namespaces of its own: the service behind TLS, on a link that loses the first packet of each
 * connection, so that a handshake takes the second after which it is sent again; and the built program, which calls the service.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { argv, execPath, exit, stdout } from 'node:process'
import { DEMO_CREDENTIALS, startEmulator } from '../../../src/emulator/server.ts'
import { run } from '../../e2e/child.ts'
import { MAIN } from '../../e2e/program.ts'
import { startProxy } from './faultInjectingProxy.ts'

export interface SlowLink {
  readonly source: string
  readonly stateDir: string
  readonly host: string
  /** Files. */
  readonly chain: string
  readonly key: string
  readonly root: string
  /** Where nothing answers, not even that it refuses. */
  readonly dead: string
  /** By the name of the service, through a proxy of its own. */
  readonly byProxy: boolean
}

const link: SlowLink = JSON.parse(argv[2] ?? '')
const iptables = (...words: readonly string[]) => execFileSync('iptables', ['-A', 'INPUT', ...words])

const emulator = await startEmulator()
const own = { cert: readFileSync(link.chain), key: readFileSync(link.key) }
const service = await startProxy({
  service: emulator.url,
  host: listener => createSecureServer(own, listener),
})
const proxy = createServer().on('connect', (_, socket: Socket) => {
  const tunnel = connect(service.port, '127.0.0.1').on('error', () => socket.destroy())
  socket.on('error', () => tunnel.destroy()).write('HTTP/1.1 200 OK\r\n\r\n')
  socket.pipe(tunnel).pipe(socket)
})
await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
const port = link.byProxy ? (proxy.address() as AddressInfo).port : service.port

const every = ['-m', 'statistic', '--mode', 'nth', '--every', '2', '--packet', '0'] as const
iptables('-d', link.dead, '-j', 'DROP')
iptables('-p', 'tcp', '--syn', '--dport', String(port), ...every, '-j', 'DROP')

const endpoint = `https://${link.host}:${service.port}`
const env = {
  TENCENTCLOUD_SECRET_ID: DEMO_CREDENTIALS.secretId,
  CERTFERRY_LOG_FORMAT: 'json',
  TENCENTCLOUD_SECRET_KEY: DEMO_CREDENTIALS.secretKey,
  PATH: '/usr/bin:/bin',
  NODE_EXTRA_CA_CERTS: link.root,
  ...(link.byProxy && { HTTPS_PROXY: `http://${link.host}:${port}` }),
}
const options = ['--source', link.source, '--state-dir', link.stateDir, '--endpoint', endpoint]
const ended = await run(execPath, [MAIN, 'sync', ...options], env)
stdout.write(JSON.stringify({ ...ended, stored: emulator.certificates().length }), () => exit())
