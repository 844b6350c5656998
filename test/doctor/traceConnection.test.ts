/** The way through TLS and a proxy, walked by the program itself: trust in an authority is a matter of a whole process. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { authority, issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { proxyTo, secured } from '../http/tlsServers.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const WAY = /^(name|connection|proxy|TLS|answer|clock|credentials|permission)$/

/** What `certferry check` says of the way, with these variables. */
async function way(root: string, endpoint: string, env: Readonly<Record<string, string>>) {
  const folder = await temporaryDirectory()
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, root)
  await mkdir(join(folder, 'letsencrypt'))
  const words = ['check', '--json', '--endpoint', endpoint, '--source', `certbot=${folder}/letsencrypt`]
  const { stdout } = await promisify(execFile)(execPath, [MAIN, ...words, '--state-dir', `${folder}/state`], {
    env: {
      HOME: folder,
      NODE_EXTRA_CA_CERTS: authority,
      TENCENTCLOUD_SECRET_ID: 'id',
      TENCENTCLOUD_SECRET_KEY: 'key',
      ...env,
    },
  }).catch(error => error)
  const { findings } = JSON.parse(stdout) as {
    findings: ReadonlyArray<{ about: string; level: string; says: string }>
  }
  return findings
    .filter(({ about }) => WAY.test(about))
    .map(({ about, level, says }) => `${level} ${about}: ${says}`)
}

test('to a service behind TLS: with protocol, issuer and end of its certificate', async () => {
  const pair = await issue({ names: ['localhost'] })
  const port = await secured(pair)
  const until = pair.notAfter.toISOString().slice(0, 10)
  const told = await way(pair.root, `https://localhost:${port}`, {})
  expect(told.slice(0, 4)).toEqual([
    expect.stringMatching(/^ok name: localhost is (127\.0\.0\.1|::1)$/),
    `ok connection: connected to localhost:${port}`,
    expect.stringMatching(new RegExp(`^ok TLS: TLSv1\\.3, certificate by .+, valid until ${until}$`)),
    expect.stringMatching(/^ok answer: localhost:\d+ answered in \d+ ms$/),
  ])
  expect(told.slice(4).map(line => line.split(':', 1)[0])).toEqual([
    'ok clock',
    'ok credentials',
    'ok permission',
  ])
})

test('through a proxy: which one, and the certificate of the service behind it', async () => {
  const pair = await issue({ names: ['ssl.tencentcloudapi.com'] })
  const proxy = await proxyTo(await secured(pair))
  const told = await way(pair.root, 'https://ssl.tencentcloudapi.com', {
    HTTPS_PROXY: `http://${proxy.address}`,
  })
  expect(told.slice(0, 3)).toEqual([
    'ok name: 127.0.0.1: no lookup needed',
    `ok proxy: ssl.tencentcloudapi.com through the proxy ${proxy.address}`,
    expect.stringMatching(/^ok TLS: TLSv1\.3, certificate by /),
  ])
  expect(proxy.asked).toHaveLength(1)
})

test('through a proxy that refuses, or that opens the letters itself', async () => {
  const names = ['ssl.tencentcloudapi.com']
  const [pair, other] = [await issue({ names, authority: await authority('somebody else') }), await issue()]
  const closed = await proxyTo(0, {
    refuse: socket => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
  })
  const curious = await proxyTo(await secured(pair))
  const brokenWay = async (address: string) => {
    const told = await way(other.root, 'https://ssl.tencentcloudapi.com', {
      HTTPS_PROXY: `http://${address}`,
    })
    return told.find(line => line.startsWith('failure'))
  }
  expect(await brokenWay(closed.address)).toBe(
    'failure proxy: ssl.tencentcloudapi.com: the proxy refused to connect (UND_ERR_ABORTED 407)',
  )
  expect(await brokenWay(curious.address)).toMatch(/^failure TLS: .*its certificate was not accepted/)
})
