/** An environment that was made for other programs, and would switch off what keeps the private keys between us and the service. */
import dns from 'node:dns'
import { expect, onTestFinished, test, vi } from 'vitest'
import { authority, issue, selfSigned } from '../fixtures/certificates.ts'
import { OK } from '../tencent/answers.ts'
import { callerOf } from '../tencent/clientFixture.ts'
import { answering } from './httpServers.ts'
import { fromOutside, proxyTo, secured } from './tlsServers.ts'

const ENDPOINT = 'https://ssl.tencentcloudapi.com'
const NOT_ACCEPTED = /^TLS ssl\.tencentcloudapi\.com: its certificate was not accepted: .*\(\w+\)$/

test('NODE_TLS_REJECT_UNAUTHORIZED=0 switches no check off, neither straight nor through a proxy nor of the proxy', async () => {
  const { root } = await issue()
  const strange = await authority('somebody else')
  const impostor = await secured(await issue({ names: ['ssl.tencentcloudapi.com'], authority: strange }))
  const neighbour = await secured(await issue({ names: ['other.example.com'] }))
  const local = await secured(await selfSigned({ names: ['localhost'] }))
  const right = await secured(await issue({ names: ['ssl.tencentcloudapi.com'] }))
  const through = async (port: number) => `http://${(await proxyTo(port)).address}`
  const badProxy = await proxyTo(right, { tls: await issue({ names: ['127.0.0.1'], authority: strange }) })
  const goodProxy = await proxyTo(right, { tls: await issue({ names: ['127.0.0.1'] }) })
  const endings = await fromOutside(
    root,
    [
      { endpoint: `https://localhost:${local}` },
      { endpoint: ENDPOINT, proxy: await through(impostor) },
      { endpoint: ENDPOINT, proxy: await through(neighbour) },
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

test('NODE_OPTIONS that allow TLS 1.0 and 1.1 again do not make us speak them', async () => {
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
  const insecure = /^TLS (localhost:\d+|ssl\.tencentcloudapi\.com): no secure connection came about/
  expect(endings).toEqual([expect.stringMatching(insecure), expect.stringMatching(insecure), 'reached'])
})

test('localhost, where plain http is allowed, is this machine whatever a resolver says', async () => {
  const { url, asked } = await answering(() => ({ body: OK }))
  const asking = vi.spyOn(dns, 'lookup').mockImplementation((() => {
    throw new Error('a resolver was asked')
  }) as unknown as typeof dns.lookup)
  onTestFinished(() => asking.mockRestore())
  await callerOf(url.replace('127.0.0.1', 'localhost')).call()
  expect(asked).toHaveLength(1)
})
