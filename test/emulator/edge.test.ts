/** The edge, as clients that are not ours see it: Node's TLS and the openssl program. */

import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type EdgeFault,
  type EdgeOptions,
  isComplete,
  serverNameIn,
  startEdge,
} from '../../src/emulator/edge.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import { issue } from '../fixtures/certificates.ts'
import { clientHello } from './clientHello.ts'
import { CDN, CERTIFICATES, NEXT_ID, next, OLD_ID, old, openCloud, pairOf } from './cloud.ts'

const NODES = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

const openEdge = async (options: EmulatorOptions = {}, edgeOptions: EdgeOptions = {}) => {
  const cloud = await openCloud(options)
  const edge = await startEdge(cloud, edgeOptions)
  onTestFinished(edge.close)
  /** The leaf's fingerprint, or the error's code. */
  const shown = (servername: string, host = '127.0.0.1', more: ConnectionOptions = {}) =>
    new Promise<string>(resolve => {
      const socket = connect({ ...more, host, port: edge.port, servername, rejectUnauthorized: false })
      socket.once('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? 'none')
        socket.destroy()
      })
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  return { ...cloud, edge, shown }
}

const leafOf = ({ leaf }: { readonly leaf: string }) => new X509Certificate(leaf).fingerprint256

/** What it printed, whatever its exit code. */
const sClient = (port: number, words: readonly string[]) =>
  new Promise<string>(resolve => {
    const child = execFile(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${port}`, ...words],
      (_, stdout, stderr) => resolve(stdout + stderr),
    )
    child.stdin?.end()
  })

test('shows the certificate on which a resource stands, and the new one a little after it has changed', async () => {
  const { shown, replace, pass, resources, edge } = await openEdge()
  expect(await shown('a.example.com')).toBe(leafOf(old))
  await replace()
  pass(42)
  expect(resources()[0]?.certId).toBe(NEXT_ID)
  expect(await shown('a.example.com')).toBe(leafOf(old))
  pass(2)
  expect(await shown('a.example.com')).toBe(leafOf(next))
  expect(await shown('A.Example.COM')).toBe(leafOf(next))
  expect(await shown('x.b.example.com')).toBe(leafOf(old))
  expect(edge.served('a.example.com')).toEqual([NEXT_ID])
  expect(edge.handshakes.map(({ host, certificateIds }) => [host, ...certificateIds])).toEqual([
    ['a.example.com', OLD_ID],
    ['a.example.com', OLD_ID],
    ['a.example.com', NEXT_ID],
    ['a.example.com', NEXT_ID],
    ['x.b.example.com', OLD_ID],
  ])
})

describe('a name', () => {
  test('leads to the resource with exactly this domain, else to a wildcard of one label', async () => {
    const { shown } = await openEdge({
      resources: [
        { ...CDN, name: 'wildcard', domains: ['*.b.example.com'] },
        { ...CDN, name: 'exact', domains: ['x.b.example.com'], certId: NEXT_ID },
      ],
    })
    expect(await shown('x.b.example.com')).toBe(leafOf(next))
    expect(await shown('y.b.example.com')).toBe(leafOf(old))
    expect(await shown('z.y.b.example.com')).toMatch(/UNRECOGNIZED_NAME|SSL/)
    expect(await shown('b.example.com')).toMatch(/UNRECOGNIZED_NAME|SSL/)
  })

  test('that nothing serves, that is private or not yet bound, gets an alert', async () => {
    const { shown } = await openEdge({
      resources: [
        { ...CDN, private: true },
        { ...CDN, name: 'bound to nothing', domains: ['x.b.example.com'], certId: undefined },
      ],
    })
    for (const host of ['a.example.com', 'x.b.example.com', 'elsewhere.example.com'])
      expect(await shown(host)).toMatch(/UNRECOGNIZED_NAME|SSL/)
  })

  test('is needed', async () => {
    const { edge } = await openEdge()
    expect(await sClient(edge.port, ['-noservername'])).toContain('alert')
  })

  test('is served at once when its first certificate is uploaded, and after a deletion too', async () => {
    const { shown, addCertificate, deleteCertificate } = await openEdge({
      certificates: [],
      resources: [{ ...CDN, certId: 'first:a.example.com' }],
    })
    const id = addCertificate({ chain: old.chain, key: old.key })
    expect(await shown('a.example.com')).toBe(leafOf(old))
    deleteCertificate(id)
    expect(await shown('a.example.com')).toBe(leafOf(old))
  })
})

describe('the openssl program', () => {
  test('sees the certificate, its chain, and no session to come back with', async () => {
    const { edge } = await openEdge()
    const said = await sClient(edge.port, ['-servername', 'a.example.com', '-showcerts'])
    const [leaf = '', ...rest] =
      said.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
    expect(new X509Certificate(leaf).fingerprint256).toBe(leafOf(old))
    expect(rest).toHaveLength(1)
    for (const version of ['-tls1_2', '-tls1_3']) {
      const again = await sClient(edge.port, ['-servername', 'a.example.com', version, '-reconnect'])
      expect(again).toContain('New, ')
      expect(again).not.toContain('Reused, ')
    }
  })

  test('gets the certificate of the algorithm that it asks for', async () => {
    const rsa = await issue({ names: ['a.example.com'], kind: 'rsa2048' })
    const certificates = [...CERTIFICATES, { id: 'rsaDDDD4', chain: rsa.chain, key: rsa.key }]
    const { edge, shown } = await openEdge({
      certificates,
      resources: [{ ...CDN, extCertIds: ['rsaDDDD4'] }],
    })
    expect(await shown('a.example.com', undefined, { sigalgs: 'ecdsa_secp256r1_sha256' })).toBe(leafOf(old))
    expect(await shown('a.example.com', undefined, { sigalgs: 'rsa_pss_rsae_sha256' })).toBe(leafOf(rsa))
    expect(edge.served('a.example.com')).toEqual([OLD_ID, 'rsaDDDD4'])
    const said = await sClient(edge.port, ['-servername', 'a.example.com', '-sigalgs', 'rsa_pss_rsae_sha256'])
    expect(new X509Certificate(said.slice(said.indexOf('-----BEGIN'))).fingerprint256).toBe(leafOf(rsa))
  })
})

test('a second certificate may come later', async () => {
  const rsa = await issue({ names: ['a.example.com'], kind: 'rsa2048' })
  const { shown, extend, addCertificate, resources } = await openEdge({ resources: [CDN] })
  const id = addCertificate({ chain: rsa.chain, key: rsa.key })
  extend('cdn/a.example.com', id)
  expect(resources()).toMatchObject([{ certId: OLD_ID, extCertIds: [id] }])
  expect(await shown('a.example.com', undefined, { sigalgs: 'rsa_pss_rsae_sha256' })).toBe(leafOf(rsa))
})

test('a request gets the ID in its answer', async () => {
  const { edge } = await openEdge()
  const socket = connect({ port: edge.port, servername: 'a.example.com', rejectUnauthorized: false })
  socket.end('GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toMatch(
    new RegExp(`^HTTP/1.1 200 OK\r\n[\\s\\S]*\r\n\r\n${OLD_ID}\n$`),
  )
})

describe('nodes', () => {
  test('have the same port, and lag each in its own way', async () => {
    const { shown, edge, rebind, pass } = await openEdge({}, { addresses: NODES })
    edge.setLag(60, '127.0.0.2')
    edge.setLag('never', '127.0.0.3')
    rebind('cdn/a.example.com', NEXT_ID)
    const all = () => Promise.all(NODES.map(node => shown('a.example.com', node)))
    expect(await all()).toEqual([leafOf(old), leafOf(old), leafOf(old)])
    pass(2)
    expect(await all()).toEqual([leafOf(next), leafOf(old), leafOf(old)])
    pass(58)
    expect(await all()).toEqual([leafOf(next), leafOf(next), leafOf(old)])
    pass(100_000)
    expect(await shown('a.example.com', '127.0.0.3')).toBe(leafOf(old))
    edge.setLag(0)
    expect(await all()).toEqual([leafOf(next), leafOf(next), leafOf(next)])
  })

  test('that never changes shows its first certificate, even one that comes later', async () => {
    const { shown, edge, pass, rebind } = await openEdge({ resources: [{ ...CDN, certId: undefined }] })
    edge.setLag('never')
    pass(10)
    rebind('cdn/a.example.com', OLD_ID)
    pass(10)
    rebind('cdn/a.example.com', NEXT_ID)
    pass(10)
    expect(await shown('a.example.com')).toBe(leafOf(old))
  })
})

const stranger = await pairOf('stranger.example.net')

describe('a fault', () => {
  test.each<[string, EdgeFault, RegExp]>([
    ['reset', 'reset', /^ECONNRESET$/],
    ['plain HTTP', 'plain-http', /WRONG_VERSION_NUMBER|PACKET_LENGTH|SSL/],
    ['an alert', 'handshake-failure', /HANDSHAKE_FAILURE/],
    ['nobody listening', 'refuse', /^ECONNREFUSED$/],
  ])('%s, and none after it', async (_, fault, code) => {
    const { shown, edge } = await openEdge()
    await edge.setFault(fault)
    expect(await shown('a.example.com')).toMatch(code)
    await edge.setFault(undefined)
    expect(await shown('a.example.com')).toBe(leafOf(old))
  })

  test('a stranger’s certificate', async () => {
    const { shown, edge } = await openEdge()
    await edge.setFault(stranger)
    expect(await shown('a.example.com')).toBe(leafOf(stranger))
  })

  test('no word after the connection', async () => {
    const { edge } = await openEdge()
    await edge.setFault('hang')
    const socket = connectTcp(edge.port, '127.0.0.1')
    await once(socket, 'connect')
    let said = 0
    socket.on('data', () => {
      said += 1
    })
    const tls = connect({ socket, servername: 'a.example.com', rejectUnauthorized: false })
    tls.on('error', () => {})
    const closed = once(socket, 'close')
    await edge.close()
    await closed
    expect(said).toBe(0)
  })

  test('only an old version of the protocol', async () => {
    const { shown, edge } = await openEdge()
    await edge.setFault('tls-1.2')
    expect(await shown('a.example.com', undefined, { minVersion: 'TLSv1.3' })).toMatch(/VERSION/)
    expect(await shown('a.example.com')).toBe(leafOf(old))
  })

  test('at one name, at one address, or at a name of an address', async () => {
    const { shown, edge } = await openEdge({}, { addresses: NODES })
    const all = () =>
      Promise.all(NODES.flatMap(node => ['a.example.com', 'x.b.example.com'].map(host => shown(host, node))))
    const good = leafOf(old)
    await edge.setFault('reset', { host: 'a.example.com' })
    expect(await all()).toEqual(['ECONNRESET', good, 'ECONNRESET', good, 'ECONNRESET', good])
    await edge.setFault(undefined, { host: 'a.example.com' })
    await edge.setFault('refuse', { address: '127.0.0.2' })
    expect(await all()).toEqual([good, good, 'ECONNREFUSED', 'ECONNREFUSED', good, good])
    await edge.setFault(undefined, { address: '127.0.0.2' })
    await edge.setFault('reset', { address: '127.0.0.3', host: 'x.b.example.com' })
    expect(await all()).toEqual([good, good, good, good, good, 'ECONNRESET'])
  })
})

test('a greeting that comes in pieces is waited for', async () => {
  const { edge } = await openEdge()
  const hello = await clientHello('a.example.com')
  const socket = connectTcp(edge.port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  const answered = once(socket, 'data')
  for (const piece of [hello.subarray(0, 3), hello.subarray(3, 50), hello.subarray(50)])
    await new Promise(resolve => socket.write(piece, resolve))
  const [answer] = await answered
  expect(answer[0]).toBe(0x16)
  socket.destroy()
})

test('what is no TLS, says less than it should or ends early does no harm', async () => {
  const { shown, edge } = await openEdge()
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0x16, 3, 1, 0, 3, 1, 0, 0])]) {
    const socket = connectTcp(edge.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(bytes)
    const [alert] = await once(socket, 'data')
    expect(alert[0]).toBe(0x15)
    socket.destroy()
  }
  const half = connectTcp(edge.port, '127.0.0.1')
  await once(half, 'connect')
  half.write(Buffer.from([0x16, 3]))
  half.destroy()
  expect(await shown('a.example.com')).toBe(leafOf(old))
})

test('the name is read from what a client sends', async () => {
  for (const name of ['a.example.com', 'a-very-long-label-indeed.of.a.long.name.example.org'])
    expect(serverNameIn(await clientHello(name))).toBe(name)
  expect(serverNameIn(await clientHello(''))).toBe(undefined)
})

test('a greeting is complete at its last byte, and half of one has no name or the right one', async () => {
  const hello = await clientHello('a.example.com')
  for (let length = 0; length < hello.length; length += 1) {
    const half = hello.subarray(0, length)
    expect(isComplete(half), `${length} bytes`).toBe(false)
    expect([undefined, 'a.example.com']).toContain(serverNameIn(half))
  }
  expect(isComplete(hello)).toBe(true)
})

test('what is no TLS is complete as soon as that can be known', () => {
  expect(isComplete(Buffer.from('GET '))).toBe(false)
  expect(isComplete(Buffer.from('GET /'))).toBe(true)
  expect(serverNameIn(Buffer.from('GET / HTTP/1.1'))).toBe(undefined)
})
