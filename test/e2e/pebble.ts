/** A real ACME server on loopback, with its own resolver: every name leads to 127.0.0.1. */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { get } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { basename, join } from 'node:path'
import { issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Environment, type Running, SYSTEM_PATH, start } from './child.ts'

/** All are open at the same time, so that no two are the same. The system hands them out again last, so that no other process takes one before its use. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createTcpServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}

/** Answers http-01 challenges with the files of `folder`, whatever the path before their names. */
export async function serveWellKnown(
  folder: string,
  port: number,
): Promise<{ readonly close: () => Promise<void> }> {
  const server = createServer(({ url = '' }, response) => {
    readFile(join(folder, basename(url))).then(
      answer => response.end(answer),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  )
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface Pebble {
  /** The ACME directory. */
  readonly url: string
  /** File of the authority that issued the server's own certificate. */
  readonly trust: string
  /** Where the server requests http-01 challenges. */
  readonly httpPort: number
  readonly close: () => Promise<void>
}

/** By default pebble rejects nonces and sleeps at random, to test its clients. */
const PEBBLE_ENV: Environment = {
  PATH: SYSTEM_PATH,
  PEBBLE_VA_NOSLEEP: '1',
  PEBBLE_WFE_NONCEREJECT: '0',
  PEBBLE_CHAIN_LENGTH: '2',
}

const NINETY_DAYS = 7_776_000

interface Ports {
  readonly acme: number
  readonly management: number
  readonly http: number
  readonly tls: number
  readonly dns: number
  readonly dnsManagement: number
}

async function pickPorts(): Promise<Ports> {
  const [acme = 0, management = 0, http = 0, tls = 0, dns = 0, dnsManagement = 0] = await freePorts(6)
  return { acme, management, http, tls, dns, dnsManagement }
}

async function configure(directory: string, ports: Ports) {
  const { chain, key, root } = await issue({ names: ['localhost', '127.0.0.1'] })
  const file = (name: string) => join(directory, name)
  await writeFile(file('server.pem'), chain)
  await writeFile(file('server.key'), key, { mode: 0o600 })
  await writeFile(file('trust.pem'), root)
  const pebble = {
    listenAddress: `127.0.0.1:${ports.acme}`,
    managementListenAddress: `127.0.0.1:${ports.management}`,
    certificate: file('server.pem'),
    privateKey: file('server.key'),
    httpPort: ports.http,
    tlsPort: ports.tls,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
    certificateValidityPeriod: NINETY_DAYS,
  }
  await writeFile(file('pebble.json'), JSON.stringify({ pebble }))
  return { config: file('pebble.json'), trust: file('trust.pem'), root }
}

function startResolver({ dns, dnsManagement }: Ports): Running {
  const unused = ['-http01', '', '-https01', '', '-tlsalpn01', '']
  const names = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`]
  const management = ['-management', `127.0.0.1:${dnsManagement}`]
  return start('pebble-challtestsrv', [...unused, ...names, ...management], PEBBLE_ENV)
}

const answers = (url: string, ca: string) =>
  new Promise<boolean>(resolve => {
    get(url, { ca, timeout: 1_000, agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })

async function untilItAnswers(url: string, ca: string, children: readonly Running[]): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await answers(url, ca))) {
    const output = () => children.map(child => child.said()).join('\n')
    if (children.some(child => child.ended())) throw new Error(`pebble did not start:\n${output()}`)
    if (Date.now() > deadline) throw new Error(`pebble does not answer at ${url}:\n${output()}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

export async function startPebble(): Promise<Pebble> {
  const ports = await pickPorts()
  const { config, trust, root } = await configure(await temporaryDirectory(), ports)
  const resolver = startResolver(ports)
  const server = start('pebble', ['-config', config, '-dnsserver', `127.0.0.1:${ports.dns}`], PEBBLE_ENV)
  const children = [server, resolver]
  const close = async () => {
    await Promise.all(children.map(child => child.end()))
  }
  const url = `https://localhost:${ports.acme}/dir`
  try {
    await untilItAnswers(url, root, children)
  } catch (error) {
    await close()
    throw error
  }
  return { url, trust, httpPort: ports.http, close }
}
