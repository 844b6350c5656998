import dns from 'node:dns'
import { createServer, type ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAgent } from '../../src/http/agent.ts'
import { authority, issue, selfSigned } from '../fixtures/certificates.ts'
import { OK } from '../tencent/answers.ts'
import { callerOf } from '../tencent/clientFixture.ts'
import { answering, listening, refused } from './httpServers.ts'
import { fromOutside, proxyTo, secured } from './tlsServers.ts'

const ENDPOINT = 'https://ssl.tencentcloudapi.com'
const NOT_ACCEPTED = /^TLS ssl\.tencentcloudapi\.com: its certificate was not accepted: .*\(\w+\)$/
const YESTERDAY = new Date(Date.now() - 86_400_000)
const limits = { connect: 5_000, headers: 300, body: 300 }

test('TLS: a CA of NODE_EXTRA_CA_CERTS is trusted; expired, unknown, self-signed and misnamed certificates are refused', async () => {
  const local = await issue({ names: ['localhost'] })
  const bad = [
    await issue({ names: ['localhost'], authority: await authority('another CA') }),
    await selfSigned({ names: ['localhost'] }),
    await issue({ names: ['localhost'], notBefore: new Date(0), notAfter: YESTERDAY }),
    await issue({ names: ['other.example.com'] }),
    { ...local, chain: local.leaf },
  ]
  const ports = await Promise.all([local, ...bad].map(pair => secured(pair)))
  const plain = new URL((await answering(() => ({}))).url).port
  const at = (port: number | string) => ({ endpoint: `https://localhost:${port}` })
  const endings = await fromOutside(local.root, [...ports, plain].map(at))
  const refusedFor = (why: string, code: string) =>
    expect.stringMatching(
      new RegExp(`^TLS localhost:\\d+: its certificate was not accepted: ${why} \\(${code}\\)$`),
    )
  expect(endings).toEqual([
    'reached',
    refusedFor('its certificate authority is not trusted here', '(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)'),
    refusedFor('it is self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
    refusedFor('it has expired', 'CERT_HAS_EXPIRED'),
    refusedFor('it is for another name', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    refusedFor('its issuer was not sent', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    expect.stringMatching(/^TLS localhost:\d+: the TLS handshake failed \((ERR_SSL_\w+|EPROTO)\)$/),
  ])
})

test('TLS: NODE_TLS_REJECT_UNAUTHORIZED=0 switches off no check, directly, through a proxy or of the proxy', async () => {
  const { root } = await issue()
  const other = await authority('another CA')
  const unknownCa = await secured(await issue({ names: ['ssl.tencentcloudapi.com'], authority: other }))
  const wrongName = await secured(await issue({ names: ['other.example.com'] }))
  const local = await secured(await selfSigned({ names: ['localhost'] }))
  const right = await secured(await issue({ names: ['ssl.tencentcloudapi.com'] }))
  const through = async (port: number) => `http://${(await proxyTo(port)).address}`
  const badProxy = await proxyTo(right, { tls: await issue({ names: ['127.0.0.1'], authority: other }) })
  const goodProxy = await proxyTo(right, { tls: await issue({ names: ['127.0.0.1'] }) })
  const endings = await fromOutside(
    root,
    [
      { endpoint: `https://localhost:${local}` },
      { endpoint: ENDPOINT, proxy: await through(unknownCa) },
      { endpoint: ENDPOINT, proxy: await through(wrongName) },
      { endpoint: ENDPOINT, proxy: `https://${badProxy.address}` },
      { endpoint: ENDPOINT, proxy: `https://${goodProxy.address}` },
    ],
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
  )
  expect(endings).toEqual([
    expect.stringMatching(/^TLS localhost:\d+: its certificate was not accepted/),
    expect.stringMatching(NOT_ACCEPTED),
    expect.stringMatching(NOT_ACCEPTED),
    expect.stringMatching(NOT_ACCEPTED),
    'reached',
  ])
  expect(badProxy.asked).toEqual([])
})

test('TLS: NODE_OPTIONS that allow TLS 1.0 and 1.1 do not enable them', async () => {
  const pair = await issue({ names: ['localhost', 'ssl.tencentcloudapi.com'] })
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const port = await secured(pair, old)
  const proxy = `http://${(await proxyTo(port)).address}`
  const today = await secured(pair, { maxVersion: 'TLSv1.2' })
  const endings = await fromOutside(
    pair.root,
    [
      { endpoint: `https://localhost:${port}` },
      { endpoint: ENDPOINT, proxy },
      { endpoint: `https://localhost:${today}` },
    ],
    { NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0' },
  )
  const insecure = /^TLS (localhost:\d+|ssl\.tencentcloudapi\.com): the TLS handshake failed/
  expect(endings).toEqual([expect.stringMatching(insecure), expect.stringMatching(insecure), 'reached'])
})

test('localhost, to which plain http is allowed, is never looked up', async () => {
  const { url, asked } = await answering(() => ({ body: OK }))
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation((() => {
    throw new Error('a resolver was asked')
  }) as unknown as typeof dns.lookup)
  onTestFinished(() => lookup.mockRestore())
  await callerOf(url.replace('127.0.0.1', 'localhost')).call()
  expect(asked).toHaveLength(1)
})

describe('proxy', () => {
  test('HTTPS_PROXY and [tencent] proxy are used, as a tunnel in which the proxy sees no content', async () => {
    const pair = await issue({ names: ['ssl.tencentcloudapi.com'] })
    const service = await secured(pair)
    const [one, other] = [await proxyTo(service), await proxyTo(service)]
    const endings = await fromOutside(pair.root, [
      { endpoint: ENDPOINT, env: { HTTPS_PROXY: `http://${one.address}` } },
      { endpoint: ENDPOINT, env: { https_proxy: one.address, HTTPS_PROXY: 'http://192.0.2.1:1' } },
      { endpoint: ENDPOINT, env: { HTTPS_PROXY: `http://me:p%40ss@${one.address}` } },
      { endpoint: ENDPOINT, proxy: `http://${other.address}`, env: { HTTPS_PROXY: `http://${one.address}` } },
    ])
    expect(endings).toEqual(['reached', 'reached', 'reached', 'reached'])
    const to = 'ssl.tencentcloudapi.com:443'
    const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    expect(one.asked).toEqual([{ to }, { to }, { to, authorization }])
    expect(other.asked).toEqual([{ to }])
    expect(one.seen() + other.seen()).not.toMatch(/hush|UploadCertificate/)
  })

  test('no proxy is used for a host of NO_PROXY, for this machine itself, or because of http_proxy', async () => {
    const pair = await issue({ names: ['0.0.0.0', 'localhost'] })
    const port = await secured(pair)
    const proxy = await proxyTo(port)
    const url = `http://${proxy.address}`
    // 0.0.0.0 leads to this machine, too, but is not a loopback name
    const endings = await fromOutside(pair.root, [
      { endpoint: `https://0.0.0.0:${port}`, env: { HTTPS_PROXY: url, NO_PROXY: 'example.com, 0.0.0.0' } },
      { endpoint: `https://0.0.0.0:${port}`, proxy: url, env: { no_proxy: '*' } },
      { endpoint: `https://localhost:${port}`, proxy: url, env: { HTTPS_PROXY: url } },
      { endpoint: `https://0.0.0.0:${port}`, env: { http_proxy: url, HTTP_PROXY: url } },
    ])
    expect(endings).toEqual(['reached', 'reached', 'reached', 'reached'])
    expect(proxy.asked).toEqual([])
  })

  test('a proxy that refuses, breaks, does not answer or does not exist is named in the fault, and nothing hangs', async () => {
    const { root } = await issue()
    const proxies = [
      await proxyTo(0, {
        refuse: socket => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
      }),
      await proxyTo(0, { refuse: socket => socket.destroy() }),
      await proxyTo(0, { refuse: () => {} }),
    ].map(({ address }) => address)
    const nowhere = new URL(await refused()).host
    const jobs = [...proxies, nowhere].map(address => ({
      endpoint: ENDPOINT,
      proxy: `http://${address}`,
      limits,
    }))
    expect(await fromOutside(root, jobs)).toEqual([
      'NETWORK ssl.tencentcloudapi.com: the proxy refused to connect (UND_ERR_ABORTED 407)',
      'NETWORK ssl.tencentcloudapi.com: the proxy broke the connection (UND_ERR_PRX_CONN)',
      'TIMEOUT ssl.tencentcloudapi.com: no answer in time (UND_ERR_HEADERS_TIMEOUT)',
      `NETWORK ssl.tencentcloudapi.com: nothing listens there (ECONNREFUSED ${nowhere})`,
    ])
  })

  test.each(['socks5://proxy.example.com:1080', 'http://', 'ftp://proxy'])(
    'HTTPS_PROXY=%s is a configuration error that does not quote it, because it may hold a password',
    HTTPS_PROXY => {
      const open = () => createAgent({ endpoint: new URL(ENDPOINT), proxy: undefined, env: { HTTPS_PROXY } })
      expect(open).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: 'HTTPS_PROXY: expected a URL such as "http://proxy.example.com:3128"',
        }),
      )
    },
  )
})

test('hundreds of requests at once take no more connections than half of the smallest usual limit of open files', async () => {
  const held: ServerResponse[] = []
  let connections = 0
  const server = createServer((_, response) => void held.push(response))
  server.on('connection', () => {
    connections += 1
  })
  const endpoint = new URL(`http://127.0.0.1:${await listening(server)}`)
  const dispatcher = createAgent({ endpoint, proxy: undefined, env: {} })
  onTestFinished(() => dispatcher.destroy())
  const answers = Array.from({ length: 300 }, () =>
    dispatcher.request({ origin: endpoint.origin, path: '/', method: 'GET' }).then(({ body }) => body.dump()),
  )
  await expect.poll(() => held.length, { timeout: 15_000 }).toBe(128)
  const answering = setInterval(() => held.splice(0).forEach(response => void response.end()), 5)
  await Promise.all(answers).finally(() => clearInterval(answering))
  expect(connections).toBe(128)
})
