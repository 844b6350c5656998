import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type ConnectionTrace, connectionFindings } from '../../src/doctor/connection.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { authority, issue } from '../fixtures/certificates.ts'
import { temporaryDirectory } from '../fixtures/temporary.ts'
import { proxyTo, secured } from '../http/tlsServers.ts'

const ENDPOINT = 'ssl.tencentcloudapi.com'
const tls = 'TLSv1.3, certificate by Some CA, valid until 2027-03-01'
const connected = { host: ENDPOINT, reached: true, address: '192.0.2.7', tls }
const proxy = { host: 'proxy.example:3128', reached: true, address: '192.0.2.9' }
const failed = (error: string) => ({ host: ENDPOINT, reached: false, error })

type Trace = Pick<ConnectionTrace, 'service'> & Partial<ConnectionTrace>
const found = (trace: Trace, code?: FaultCode) =>
  connectionFindings({
    tunnel: false,
    took: 84.4,
    secure: true,
    fault: code && new Fault(code, 'broken'),
    ...trace,
  })

test.each<readonly [string, Trace, FaultCode | undefined, readonly string[]]>([
  ['nothing', { service: connected }, undefined, ['name', 'connection', 'TLS', 'answer']],
  [
    'nothing, through a proxy',
    { service: connected, proxy, tunnel: true },
    undefined,
    ['name', 'proxy', 'TLS', 'answer'],
  ],
  ['an unknown name', { service: failed('ENOTFOUND') }, 'NETWORK', ['!name']],
  ['a silent name server', { service: failed('EAI_AGAIN') }, 'NETWORK', ['!name']],
  ['a closed port', { service: failed('ECONNREFUSED') }, 'NETWORK', ['name', '!connection']],
  [
    'a dropped connection',
    { service: failed('UND_ERR_CONNECT_TIMEOUT') },
    'TIMEOUT',
    ['name', '!connection'],
  ],
  [
    'a certificate that is not trusted',
    { service: failed('SELF_SIGNED_CERT_IN_CHAIN') },
    'TLS',
    ['name', 'connection', '!TLS'],
  ],
  ['a silent service', { service: connected }, 'TIMEOUT', ['name', 'connection', 'TLS', '!answer']],
  ['a foreign server', { service: connected }, 'REPLY_UNREADABLE', ['name', 'connection', 'TLS', '!answer']],
  [
    "a proxy's unknown name",
    { service: failed('ENOTFOUND'), proxy: { ...proxy, reached: false, error: 'ENOTFOUND' } },
    'NETWORK',
    ['!name'],
  ],
  ['a proxy that refuses', { service: failed('UND_ERR_ABORTED'), proxy }, 'NETWORK', ['name', '!proxy']],
  [
    "a proxy's own certificate",
    { service: failed('UND_ERR_PRX_TLS'), proxy: { ...proxy, reached: false } },
    'TLS',
    ['name', '!proxy'],
  ],
  [
    'a proxy that decrypts TLS',
    { service: failed('SELF_SIGNED_CERT_IN_CHAIN'), proxy, tunnel: true },
    'TLS',
    ['name', 'proxy', '!TLS'],
  ],
])(
  'the connection names the first step that fails, and skips the later ones: %s',
  (_, trace, code, steps) => {
    const topics = ['name', trace.proxy ? 'proxy' : 'connection', 'TLS', 'answer']
    const expected = topics.map((topic, i) => {
      if (steps[i] === undefined) return `${topic} unreached`
      return steps[i] === topic ? `${topic} ok` : `${topic} failure`
    })
    expect(found(trace, code).map(({ about, level }) => `${about} ${level}`)).toEqual(expected)
  },
)

test('each step of a connection that succeeds shows its address, certificate or time', () => {
  const says = (trace: Trace) => found(trace).map(finding => finding.says)
  expect(says({ service: connected })).toEqual([
    `${ENDPOINT} is 192.0.2.7`,
    `connected to ${ENDPOINT}`,
    tls,
    `${ENDPOINT} answered in 84 ms`,
  ])
  expect(says({ service: connected, proxy, tunnel: true }).slice(0, 2)).toEqual([
    'proxy.example is 192.0.2.9',
    `${ENDPOINT} through the proxy proxy.example:3128`,
  ])
  const local = { host: '[::1]:8181', reached: true, address: '::1' }
  expect(says({ service: local, secure: false }).slice(0, 3)).toEqual([
    '[::1]: no lookup needed',
    'connected to [::1]:8181',
    'none: plain http to this machine',
  ])
})

test.each<readonly [string, Trace, FaultCode, string]>([
  ['name', { service: failed('ENOTFOUND') }, 'NETWORK', `getent ahosts ${ENDPOINT}`],
  ['connection', { service: failed('ECONNREFUSED') }, 'NETWORK', `curl -sv https://${ENDPOINT}/`],
  [
    'proxy',
    { service: failed('ECONNREFUSED'), proxy },
    'NETWORK',
    `curl -sv --proxy proxy.example:3128 https://${ENDPOINT}/`,
  ],
  [
    'TLS',
    { service: failed('CERT_HAS_EXPIRED') },
    'TLS',
    `openssl s_client -brief -connect ${ENDPOINT}:443 </dev/null`,
  ],
])('a failed %s comes with advice and the command that shows more', (about, trace, code, command) => {
  const failure = found(trace, code).find(({ level }) => level === 'failure')
  expect(failure).toMatchObject({ about, command, advice: expect.any(String) })
})

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const TOPICS = /^(name|connection|proxy|TLS|answer|clock|credentials|permission)$/

/** The findings of `certferry check` in a process of its own: trusted authorities are fixed at its start. */
async function checked(root: string, endpoint: string, env: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryDirectory()
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, root)
  await mkdir(join(folder, 'letsencrypt'))
  const keys = { TENCENTCLOUD_SECRET_ID: 'id', TENCENTCLOUD_SECRET_KEY: 'key' }
  const words = ['check', '--json', '--endpoint', endpoint, '--source', `certbot=${folder}/letsencrypt`]
  const { stdout } = await promisify(execFile)(execPath, [MAIN, ...words, '--state-dir', `${folder}/state`], {
    env: { HOME: folder, NODE_EXTRA_CA_CERTS: authority, ...keys, ...env },
  }).catch(error => error)
  const { findings } = JSON.parse(stdout) as {
    findings: ReadonlyArray<{ about: string; level: string; says: string }>
  }
  return findings
    .filter(({ about }) => TOPICS.test(about))
    .map(({ about, level, says }) => `${level} ${about}: ${says}`)
}

test('check shows protocol, issuer and end of the certificate of a service behind TLS', async () => {
  const pair = await issue({ names: ['localhost'] })
  const port = await secured(pair)
  const until = pair.notAfter.toISOString().slice(0, 10)
  expect(await checked(pair.root, `https://localhost:${port}`)).toEqual([
    expect.stringMatching(/^ok name: localhost is (127\.0\.0\.1|::1)$/),
    `ok connection: connected to localhost:${port}`,
    expect.stringMatching(new RegExp(`^ok TLS: TLSv1\\.3, certificate by .+, valid until ${until}$`)),
    expect.stringMatching(/^ok answer: localhost:\d+ answered in \d+ ms$/),
    expect.stringMatching(/^ok clock/),
    expect.stringMatching(/^ok credentials/),
    expect.stringMatching(/^ok permission/),
  ])
})

test('check shows the proxy, and the certificate of the service behind it', async () => {
  const pair = await issue({ names: [ENDPOINT] })
  const proxy = await proxyTo(await secured(pair))
  const env = { HTTPS_PROXY: `http://${proxy.address}` }
  expect((await checked(pair.root, `https://${ENDPOINT}`, env)).slice(0, 3)).toEqual([
    'ok name: 127.0.0.1: no lookup needed',
    `ok proxy: ${ENDPOINT} through the proxy ${proxy.address}`,
    expect.stringMatching(/^ok TLS: TLSv1\.3, certificate by /),
  ])
  expect(proxy.asked).toHaveLength(1)
})

test('check names a proxy that refuses, and a certificate that a proxy put in place of the service', async () => {
  const pair = await issue({ names: [ENDPOINT], authority: await authority('another') })
  const other = await issue()
  const refusing = await proxyTo(0, {
    refuse: socket => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
  })
  const decrypting = await proxyTo(await secured(pair))
  const failureBehind = async ({ address }: typeof refusing) => {
    const env = { HTTPS_PROXY: `http://${address}` }
    const lines = await checked(other.root, `https://${ENDPOINT}`, env)
    return lines.find(line => line.startsWith('failure'))
  }
  expect(await failureBehind(refusing)).toBe(
    `failure proxy: ${ENDPOINT}: the proxy refused to connect (UND_ERR_ABORTED 407)`,
  )
  expect(await failureBehind(decrypting)).toMatch(/^failure TLS: .*its certificate was not accepted/)
})
