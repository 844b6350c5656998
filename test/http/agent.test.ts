import { describe, expect, test } from 'vitest'
import { createAgent } from '../../src/http/agent.ts'
import { authority, issue, selfSigned } from '../fixtures/certificates.ts'
import { answering, refused } from './httpServers.ts'
import { fromOutside, proxyTo, secured } from './tlsServers.ts'

const ENDPOINT = 'https://ssl.tencentcloudapi.com'
const YESTERDAY = new Date(Date.now() - 86_400_000)
const limits = { connect: 5_000, headers: 300, body: 300 }

describe('certificate checks are never off', () => {
  test('an authority of NODE_EXTRA_CA_CERTS is trusted, and nothing that is expired, strange or for another name', async () => {
    const local = await issue({ names: ['localhost'] })
    const bad = [
      await issue({ names: ['localhost'], authority: await authority('somebody else') }),
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
      refusedFor('its authority is not known here', '(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)'),
      refusedFor('it signed itself', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      refusedFor('it has expired', 'CERT_HAS_EXPIRED'),
      refusedFor('it is for another name', 'ERR_TLS_CERT_ALTNAME_INVALID'),
      refusedFor('its issuer was not sent along', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      expect.stringMatching(/^TLS localhost:\d+: no secure connection came about \((ERR_SSL_\w+|EPROTO)\)$/),
    ])
  })
})

describe('through a proxy', () => {
  test('goes what HTTPS_PROXY or [tencent] proxy sends there, as a tunnel that shows the proxy nothing', async () => {
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

  test('goes nothing that NO_PROXY names, nothing to this machine itself, and nothing for http_proxy alone', async () => {
    const pair = await issue({ names: ['0.0.0.0', 'localhost'] })
    const port = await secured(pair)
    const proxy = await proxyTo(port)
    const url = `http://${proxy.address}`
    // 0.0.0.0 leads to this machine as well, yet is not among the names that mean it
    const endings = await fromOutside(pair.root, [
      { endpoint: `https://0.0.0.0:${port}`, env: { HTTPS_PROXY: url, NO_PROXY: 'example.com, 0.0.0.0' } },
      { endpoint: `https://0.0.0.0:${port}`, proxy: url, env: { no_proxy: '*' } },
      { endpoint: `https://localhost:${port}`, proxy: url, env: { HTTPS_PROXY: url } },
      { endpoint: `https://0.0.0.0:${port}`, env: { http_proxy: url, HTTP_PROXY: url } },
    ])
    expect(endings).toEqual(['reached', 'reached', 'reached', 'reached'])
    expect(proxy.asked).toEqual([])
  })

  test('that refuses, breaks, is silent or is not there, nothing goes; what is wrong is said and nothing hangs', async () => {
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
    'HTTPS_PROXY=%s is a configuration error, not a crash, and is not quoted: it may hold a password',
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
