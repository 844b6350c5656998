import { describe, expect, test } from 'vitest'
import { type ConnectionTrace, connectionFindings } from '../../src/doctor/connection.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'

const ENDPOINT = 'ssl.tencentcloudapi.com'
const tls = { protocol: 'TLSv1.3', issuer: 'Some CA', until: new Date('2027-03-01') }
const nowhere = { host: ENDPOINT, reached: false }
const there = { host: ENDPOINT, reached: true, address: '192.0.2.7', tls }
const proxied = { host: 'proxy.example:3128', reached: true, address: '192.0.2.9' }
const direct = (service: ConnectionTrace['service']): ConnectionTrace => ({
  service,
  proxy: undefined,
  tunnel: false,
})

const told = (journey: ConnectionTrace, code?: FaultCode) =>
  connectionFindings(journey, { fault: code && new Fault(code, 'broken'), took: 84.4, secure: true }).map(
    ({ about, level }) => `${about} ${level}`,
  )

describe('the first link that is broken is named, and what comes after it is said to be not reached', () => {
  test.each<readonly [string, ConnectionTrace, FaultCode | undefined, readonly string[]]>([
    ['none', direct(there), undefined, ['name ok', 'connection ok', 'TLS ok', 'answer ok']],
    [
      'a name that nobody knows',
      direct({ ...nowhere, error: 'ENOTFOUND' }),
      'NETWORK',
      ['name failure', 'connection unreached', 'TLS unreached', 'answer unreached'],
    ],
    [
      'a name server that is silent',
      direct({ ...nowhere, error: 'EAI_AGAIN' }),
      'NETWORK',
      ['name failure', 'connection unreached', 'TLS unreached', 'answer unreached'],
    ],
    [
      'a port that nobody listens at',
      direct({ ...nowhere, error: 'ECONNREFUSED' }),
      'NETWORK',
      ['name ok', 'connection failure', 'TLS unreached', 'answer unreached'],
    ],
    [
      'a firewall that swallows everything',
      direct({ ...nowhere, error: 'UND_ERR_CONNECT_TIMEOUT' }),
      'TIMEOUT',
      ['name ok', 'connection failure', 'TLS unreached', 'answer unreached'],
    ],
    [
      'a certificate that is not trusted',
      direct({ ...nowhere, error: 'SELF_SIGNED_CERT_IN_CHAIN' }),
      'TLS',
      ['name ok', 'connection ok', 'TLS failure', 'answer unreached'],
    ],
    [
      'a service that is silent',
      direct(there),
      'TIMEOUT',
      ['name ok', 'connection ok', 'TLS ok', 'answer failure'],
    ],
    [
      'somebody else who answers',
      direct(there),
      'REPLY_UNREADABLE',
      ['name ok', 'connection ok', 'TLS ok', 'answer failure'],
    ],
    [
      "a proxy's name that nobody knows",
      {
        service: { ...nowhere, error: 'ENOTFOUND' },
        proxy: { ...proxied, reached: false, error: 'ENOTFOUND' },
        tunnel: false,
      },
      'NETWORK',
      ['name failure', 'proxy unreached', 'TLS unreached', 'answer unreached'],
    ],
    [
      'a proxy that refuses',
      { service: { ...nowhere, error: 'UND_ERR_ABORTED' }, proxy: proxied, tunnel: false },
      'NETWORK',
      ['name ok', 'proxy failure', 'TLS unreached', 'answer unreached'],
    ],
    [
      "a proxy's own certificate that is not trusted",
      {
        service: { ...nowhere, error: 'UND_ERR_PRX_TLS' },
        proxy: { ...proxied, reached: false },
        tunnel: false,
      },
      'TLS',
      ['name ok', 'proxy failure', 'TLS unreached', 'answer unreached'],
    ],
    [
      'a proxy that opens other letters',
      { service: { ...nowhere, error: 'SELF_SIGNED_CERT_IN_CHAIN' }, proxy: proxied, tunnel: true },
      'TLS',
      ['name ok', 'proxy ok', 'TLS failure', 'answer unreached'],
    ],
    [
      'nothing, through a proxy',
      { service: there, proxy: proxied, tunnel: true },
      undefined,
      ['name ok', 'proxy ok', 'TLS ok', 'answer ok'],
    ],
  ])('%s', (_, journey, code, expected) => {
    expect(told(journey, code)).toEqual(expected)
  })
})

test('what is well is told with what it is', () => {
  const says = (journey: ConnectionTrace, secure = true) =>
    connectionFindings(journey, { fault: undefined, took: 84.4, secure }).map(finding => finding.says)
  expect(says(direct(there))).toEqual([
    `${ENDPOINT} is 192.0.2.7`,
    `connected to ${ENDPOINT}`,
    'TLSv1.3, certificate by Some CA, valid until 2027-03-01',
    `${ENDPOINT} answered in 84 ms`,
  ])
  expect(says({ service: there, proxy: proxied, tunnel: true }).slice(0, 2)).toEqual([
    'proxy.example is 192.0.2.9',
    `${ENDPOINT} through the proxy proxy.example:3128`,
  ])
  const local = { host: '[::1]:8181', reached: true, address: '::1' }
  expect(says(direct(local), false).slice(0, 3)).toEqual([
    '[::1]: no lookup needed',
    'connected to [::1]:8181',
    'none: plain http to this machine',
  ])
})

test.each<readonly [string, ConnectionTrace, FaultCode, string]>([
  ['name', direct({ ...nowhere, error: 'ENOTFOUND' }), 'NETWORK', `getent ahosts ${ENDPOINT}`],
  ['connection', direct({ ...nowhere, error: 'ECONNREFUSED' }), 'NETWORK', `curl -sv https://${ENDPOINT}/`],
  [
    'proxy',
    { service: nowhere, proxy: { ...proxied, error: 'ECONNREFUSED' }, tunnel: false },
    'NETWORK',
    `curl -sv --proxy proxy.example:3128 https://${ENDPOINT}/`,
  ],
  [
    'TLS',
    direct({ ...nowhere, error: 'CERT_HAS_EXPIRED' }),
    'TLS',
    `openssl s_client -brief -connect ${ENDPOINT}:443 </dev/null`,
  ],
])('a broken %s comes with the command that shows more', (about, journey, code, command) => {
  const found = connectionFindings(journey, { fault: new Fault(code, 'broken'), took: 0, secure: true })
  expect(found.find(({ level }) => level === 'failure')).toMatchObject({
    about,
    command,
    advice: expect.any(String),
  })
})
