/** A real ACME server on loopback, with its own resolver: every name leads to 127.0.0.1. */
import { writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { type Environment, type Running, SYSTEM_PATH, start } from './child.ts'
import { freePorts } from './ports.ts'

export interface Pebble {
  /** The ACME directory. */
  readonly url: string
  /** File of the certificate that vouches for the server itself. */
  readonly trust: string
  /** Where the server knocks to see an http-01 challenge. */
  readonly httpPort: number
  readonly close: () => Promise<void>
}

/** By default pebble rejects nonces and sleeps at random, to make clients honest; here the clients are not on trial. */
const CALM: Environment = {
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
  return start('pebble-challtestsrv', [...unused, ...names, ...management], CALM)
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
    const words = () => children.map(child => child.said()).join('\n')
    if (children.some(child => child.ended())) throw new Error(`pebble did not start:\n${words()}`)
    if (Date.now() > deadline) throw new Error(`pebble does not answer at ${url}:\n${words()}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

export async function startPebble(): Promise<Pebble> {
  const ports = await pickPorts()
  const { config, trust, root } = await configure(await temporaryDirectory(), ports)
  const resolver = startResolver(ports)
  const server = start('pebble', ['-config', config, '-dnsserver', `127.0.0.1:${ports.dns}`], CALM)
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
