/** What leaves this host when it asks which certificate is served: a greeting to the user's own names, and nothing else. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { shakeHands } from '../../src/deploy/handshake.ts'
import { probesFor } from '../../src/deploy/verify.ts'
import { issue } from '../fixtures/certificates.ts'

const NO_LEAVES = { current: '', earlier: new Set<string>() }

/** A TLS 1.2 server, whose records show what is application data, behind a socket that keeps what a client sends. */
async function openServer() {
  const { chain, key } = await issue({ names: ['www.example.com'] })
  const asked: string[] = []
  const sent: Buffer[] = []
  const closed: Array<Promise<unknown>> = []
  const server = createServer({
    cert: chain,
    key,
    maxVersion: 'TLSv1.2',
    SNICallback: (name, callback) => {
      asked.push(name)
      callback(null)
    },
  })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', socket => socket.on('error', () => {}))
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const front = createTcpServer(client => {
    const behind = connect((server.address() as AddressInfo).port, '127.0.0.1')
    let bytes = Buffer.alloc(0)
    client.on('data', data => {
      bytes = Buffer.concat([bytes, data])
    })
    closed.push(
      once(client, 'close').then(() => {
        sent.push(bytes)
        behind.destroy()
      }),
    )
    for (const socket of [client, behind]) socket.on('error', () => socket.destroy())
    client.pipe(behind).pipe(client)
  })
  onTestFinished(() => void front.close())
  await once(front.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (front.address() as AddressInfo).port,
    asked,
    /** Of every connection, the types of the records that the client sent. */
    records: async () => {
      await Promise.all(closed)
      return sent.map(recordTypes)
    },
  }
}

function recordTypes(bytes: Buffer): readonly number[] {
  const types: number[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3))
    types.push(bytes.readUInt8(at))
  return types
}

const APPLICATION_DATA = 23

test('a handshake sends the name and no data, straight to the address whatever proxy is set', async () => {
  const { port, asked, records } = await openServer()
  let proxied = 0
  const proxy = createTcpServer(socket => {
    proxied++
    socket.destroy()
  })
  onTestFinished(() => void proxy.close())
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  const variables = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
  const before = variables.map(name => [name, process.env[name]] as const)
  onTestFinished(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  for (const name of variables)
    process.env[name] =
      name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const probe = { name: 'www.example.com', port, address: '127.0.0.1' }
  expect(await shakeHands([probe], NO_LEAVES)).toMatchObject([{ name: probe.name, leaf: 'other' }])
  // once, and once for each kind of key
  expect(asked.length).toBeGreaterThan(0)
  expect(new Set(asked)).toEqual(new Set([probe.name]))
  for (const types of await records()) {
    expect(types.length).toBeGreaterThan(0)
    expect(types).not.toContain(APPLICATION_DATA)
  }
  expect(proxied).toBe(0)
})

test('only names that the new certificate covers are asked, and those of the configuration', () => {
  const configured = [{ name: 'inner.example.net', port: 8443, address: '192.0.2.1' }]
  const names = probesFor(
    ['www.example.com', 'foreign.example.org', '*.foreign.example.org', 'a.b.example.com'],
    ['www.example.com', '*.example.com'],
    configured,
  ).map(({ name }) => name)
  expect(names).toEqual(['inner.example.net', 'www.example.com'])
})
